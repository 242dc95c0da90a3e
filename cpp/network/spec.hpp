// What Python says about a network: a list of these, in an order in which every node comes after its inputs.
#pragma once

#include <cmath>
#include <limits>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/types.hpp"

namespace multicapa {

// A mistake in what the caller asked for; Python sees a ValueError.
struct InvalidArgument : std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};

using Shape = std::vector<Size>;  // of one sample, without the batch axis

// The number in the network's type; throws where that holds nothing but 0 or infinity for it, or a number below the
// normal range, which training takes for 0.
template <class T> T representable(double value, const std::string& what) {
  const double size = std::abs(value);
  if (std::isfinite(value) && value != 0 &&
      (size > std::numeric_limits<T>::max() || size < std::numeric_limits<T>::min())) {
    std::ostringstream text;
    text << what << " is " << value << ", too " << (size > 1 ? "large" : "small") << " for "
         << (sizeof(T) == 4 ? "float32" : "float64");
    throw InvalidArgument(text.str());
  }
  return static_cast<T>(value);
}

Size elements(const Shape& shape);
std::string to_string(const Shape& shape);

using Option = std::variant<bool, Size, double, std::string, Shape>;

class Spec {
 public:
  std::string type;
  std::string name;
  std::vector<std::string> inputs;
  std::map<std::string, Option> options;

  // Each reads one option and remembers that it was read; the first form of each insists that it is there.
  Size integer(const std::string& key) const;
  Size integer(const std::string& key, Size absent) const;
  double number(const std::string& key) const;
  double number(const std::string& key, double absent) const;
  bool flag(const std::string& key, bool absent) const;
  std::string text(const std::string& key) const;
  std::string text(const std::string& key, const std::string& absent) const;
  Shape shape(const std::string& key) const;

  // An option that nobody read was a mistake of the caller's.
  void check_all_read() const;
  [[noreturn]] void fail(const std::string& message) const;

 private:
  template <class Value> const Value* find(const std::string& key, const char* kind) const;
  mutable std::vector<std::string> read_;
};

}  // namespace multicapa
