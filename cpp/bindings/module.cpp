#include <pybind11/pybind11.h>

#include "bindings/ending.hpp"
#include "bindings/register.hpp"
#include "network/spec.hpp"

PYBIND11_MODULE(_core, module) {
  module.doc() = "The compiled core of multicapa; use the package instead.";
  pybind11::register_exception_translator([](std::exception_ptr pending) {
    try {
      if (pending) std::rethrow_exception(pending);
    } catch (const multicapa::InvalidArgument& error) {
      pybind11::set_error(PyExc_ValueError, error.what());
    }
  });
  pybind11::module_::import("atexit").attr("register")(pybind11::cpp_function(&multicapa::Ending::begin));
  multicapa::register_facts(module);
  multicapa::register_kernels(module);
  multicapa::register_optimizer(module);
  multicapa::register_networks(module);
}
