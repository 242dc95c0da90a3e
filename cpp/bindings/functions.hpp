// Functions of the user's, wrapped for the core: they take and return arrays and run under the GIL. The wrappers own
// nothing. Python's objects hold the functions, where its collector sees them: a function may refer to its network.
#pragma once

#include "bindings/convert.hpp"
#include "bindings/gil.hpp"
#include "layers/layer.hpp"

namespace multicapa {

// Copies between the core's rows and an array.
template <class T> py::array_t<T> to_array(Matrix<const T> rows) {
  py::array_t<T> array({static_cast<py::ssize_t>(rows.rows), static_cast<py::ssize_t>(rows.columns)});
  for (Size r = 0; r < rows.rows; ++r)
    std::copy_n(rows.data + r * rows.stride, rows.columns, array.mutable_data() + r * rows.columns);
  return array;
}

template <class T>
py::array_t<T, py::array::c_style | py::array::forcecast> check_result(const py::object& result,
                                                                       const std::vector<py::ssize_t>& shape,
                                                                       const char* what) {
  auto array = py::array_t<T, py::array::c_style | py::array::forcecast>::ensure(result);
  if (!array) throw py::type_error(std::string("the ") + what + " should return an array of numbers");
  const std::vector<py::ssize_t> got(array.shape(), array.shape() + array.ndim());
  if (got != shape)
    throw InvalidArgument(std::string("the ") + what + " returned shape " +
                          py::str(py::tuple(py::cast(got))).template cast<std::string>() + ", expected " +
                          py::str(py::tuple(py::cast(shape))).template cast<std::string>());
  return array;
}

// a = value(z); dz = derivative(z) ∘ da.
template <class T> Function<T> to_activation(py::handle value, py::handle derivative) {
  Function<T> function;
  function.value = [value](Matrix<const T> z, Matrix<T> a) {
    const WithGil gil;
    const auto result = check_result<T>(call_python(value, to_array(z)), {z.rows, z.columns}, "activation's value");
    for (Size r = 0; r < a.rows; ++r) std::copy_n(result.data() + r * a.columns, a.columns, a.data + r * a.stride);
  };
  function.derivative = [derivative](Matrix<const T> z, Matrix<const T> da, Matrix<T> dz) {
    const WithGil gil;
    const auto slope =
        check_result<T>(call_python(derivative, to_array(z)), {z.rows, z.columns}, "activation's derivative");
    for (Size r = 0; r < dz.rows; ++r)
      for (Size c = 0; c < dz.columns; ++c)
        dz.data[r * dz.stride + c] = da.data[r * da.stride + c] * slope.data()[r * dz.columns + c];
  };
  return function;
}

// Costs of the rows from value(y, t), dCost/dy from derivative(y, t).
template <class T> std::function<void(const LossCall<T>&)> to_loss(py::handle value, py::handle derivative) {
  return [value, derivative](const LossCall<T>& call) {
    const WithGil gil;
    const py::array_t<T> y = to_array(call.y), t = to_array(call.target);
    const auto costs = check_result<T>(call_python(value, y, t), {call.y.rows}, "loss's value");
    std::copy_n(costs.data(), call.y.rows, call.cost);
    if (!call.dy.data) return;
    const auto slope =
        check_result<T>(call_python(derivative, y, t), {call.y.rows, call.y.columns}, "loss's derivative");
    for (Size r = 0; r < call.y.rows; ++r) {
      const T factor = call.scale * (call.weight ? call.weight[r] : T(1));
      for (Size c = 0; c < call.y.columns; ++c)
        call.dy.data[r * call.dy.stride + c] = slope.data()[r * call.y.columns + c] * factor;
    }
  };
}

}  // namespace multicapa
