#pragma once

#include <pybind11/pybind11.h>

namespace multicapa {

// One per topic; each adds its part to the module.
void register_facts(pybind11::module_& module);
void register_kernels(pybind11::module_& module);
void register_networks(pybind11::module_& module);
void register_optimizer(pybind11::module_& module);

}  // namespace multicapa
