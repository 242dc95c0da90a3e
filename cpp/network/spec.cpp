#include "network/spec.hpp"

#include <algorithm>

namespace multicapa {

namespace {

constexpr Size most_elements = Size{1} << 46;  // far above any memory, far below where sizes in bytes overflow

}  // namespace

Size elements(const Shape& shape) {
  Size product = 1;
  for (const Size extent : shape)
    if (__builtin_mul_overflow(product, extent, &product) || product > most_elements)
      throw InvalidArgument("a shape of " + to_string(shape) + " has too many numbers");
  return product;
}

std::string to_string(const Shape& shape) {
  std::string text = "(";
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + (shape.size() == 1 ? ",)" : ")");
}

void Spec::fail(const std::string& message) const {
  throw InvalidArgument(type + " layer \"" + name + "\": " + message);
}

template <class Value> const Value* Spec::find(const std::string& key, const char* kind) const {
  read_.push_back(key);
  const auto found = options.find(key);
  if (found == options.end()) return nullptr;
  const Value* value = std::get_if<Value>(&found->second);
  if (!value) fail(key + " should be " + kind);
  return value;
}

Size Spec::integer(const std::string& key) const {
  const Size* value = find<Size>(key, "an integer");
  if (!value) fail(key + " is missing");
  return *value;
}

Size Spec::integer(const std::string& key, Size absent) const {
  const Size* value = find<Size>(key, "an integer");
  return value ? *value : absent;
}

double Spec::number(const std::string& key) const {
  if (!options.count(key)) fail(key + " is missing");
  return number(key, 0);
}

double Spec::number(const std::string& key, double absent) const {
  const auto found = options.find(key);
  if (found != options.end() && std::holds_alternative<Size>(found->second)) return static_cast<double>(integer(key));
  const double* value = find<double>(key, "a number");
  return value ? *value : absent;
}

bool Spec::flag(const std::string& key, bool absent) const {
  const bool* value = find<bool>(key, "True or False");
  return value ? *value : absent;
}

std::string Spec::text(const std::string& key) const {
  const std::string* value = find<std::string>(key, "a string");
  if (!value) fail(key + " is missing");
  return *value;
}

std::string Spec::text(const std::string& key, const std::string& absent) const {
  const std::string* value = find<std::string>(key, "a string");
  return value ? *value : absent;
}

Shape Spec::shape(const std::string& key) const {
  const Shape* value = find<Shape>(key, "a tuple of integers");
  if (!value) fail(key + " is missing");
  return *value;
}

void Spec::check_all_read() const {
  for (const auto& [key, value] : options)
    if (std::find(read_.begin(), read_.end(), key) == read_.end()) fail("unknown option \"" + key + "\"");
}

}  // namespace multicapa
