// Streams as Python holds them. Who has the network's turn takes their steps.
#pragma once

#include "bindings/convert.hpp"
#include "training/stream.hpp"

namespace multicapa {

// (samples, features) of one step, or (features,) of the one sample there is.
template <class T> using StepOf = py::array_t<T, py::array::c_style | py::array::forcecast>;

// Throws where x is no step of this stream, or not finite.
template <class T> void check_step(const Stream<T>& stream, const KernelTable<T>& kernels, const StepOf<T>& x);

// The network's outputs after it.
template <class T> py::array_t<T> take_step(Stream<T>& stream, const StepOf<T>& x);

void register_streams(py::module_& module);

}  // namespace multicapa
