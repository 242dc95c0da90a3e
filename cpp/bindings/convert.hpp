// From Python objects to what the core takes: checks first, no copies.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <optional>
#include <vector>

#include "kernels/samples.hpp"
#include "network/spec.hpp"

namespace multicapa {

namespace py = pybind11;

// A list of dicts {"type": …, "name": …, "inputs": […], option: value, …}.
std::vector<Spec> to_specs(const py::list& layers);

template <class T> constexpr Scalar scalar_of = std::is_same_v<T, float> ? Scalar::float32 : Scalar::float64;

// What an array is of, if float32 or float64 in the machine's byte order; nothing else is.
std::optional<Scalar> scalar_in(const py::array& array);

// Rows of a float32 or float64 array whose samples lie without gaps; `width` numbers each.
Rows to_rows(const py::array& array, Size width, const char* what);

// The contents of an optional one-dimensional array of a given type and length; null for None.
template <class Number> const Number* to_vector(const py::object& object, Size count, const char* what) {
  if (object.is_none()) return nullptr;
  if (!py::isinstance<py::array_t<Number, py::array::c_style>>(object))
    throw py::type_error(std::string(what) + " should be a contiguous array of the core's type");
  const auto array = py::reinterpret_borrow<py::array>(object);
  if (array.ndim() < 1 || array.size() != count)
    throw InvalidArgument(std::string(what) + " should have one entry per sample or step (" + std::to_string(count) +
                          ")");
  return static_cast<const Number*>(array.data());
}

}  // namespace multicapa
