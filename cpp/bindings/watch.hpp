// What is looked at while the core works.
#pragma once

#include <optional>
#include <utility>

#include "base/interruption.hpp"
#include "bindings/ending.hpp"
#include "bindings/gil.hpp"

namespace multicapa {

// Lets Ctrl-C and a progress display in while the core works without the GIL. Python's exception waits here until
// the team has gone home.
class Watch {
 public:
  explicit Watch(py::object progress) : progress_(std::move(progress)) {}
  Look look() {
    return [this](double done) {
      if (Ending::for_this_thread()) return true;
      const WithGil gil;
      try {
        if (or_the_end([] { return PyErr_CheckSignals(); }) != 0) throw py::error_already_set();
        if (!progress_.is_none()) call_python(progress_, py::float_(done));
      } catch (py::error_already_set& error) {
        error_.emplace(std::move(error));
      }
      return error_.has_value();
    };
  }
  void raise() {
    if (error_) throw *std::exchange(error_, std::nullopt);
  }

 private:
  py::object progress_;
  std::optional<py::error_already_set> error_;
};

}  // namespace multicapa
