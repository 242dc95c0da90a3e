// What Python says about a network: a list of these, in an order in which every node comes after its inputs.
#pragma once

#include <map>
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
