#include "bindings/convert.hpp"

#include <bit>

namespace multicapa {
namespace {

Option to_option(const py::handle& value, const std::string& key) {
  if (py::isinstance<py::bool_>(value)) return value.cast<bool>();
  if (py::isinstance<py::int_>(value)) return static_cast<Size>(value.cast<long long>());
  if (py::isinstance<py::float_>(value)) return value.cast<double>();
  if (py::isinstance<py::str>(value)) return value.cast<std::string>();
  if (py::isinstance<py::tuple>(value) || py::isinstance<py::list>(value)) return value.cast<Shape>();
  throw py::type_error("option \"" + key + "\" should be a bool, number, string or tuple of integers, not " +
                       py::repr(py::type::of(value)).cast<std::string>());
}

Spec to_spec(const py::dict& layer) {
  Spec spec;
  for (const auto& [key_object, value] : layer) {
    const std::string key = key_object.cast<std::string>();
    if (key == "type") spec.type = value.cast<std::string>();
    else if (key == "name") spec.name = value.cast<std::string>();
    else if (key == "inputs") spec.inputs = value.cast<std::vector<std::string>>();
    else if (!value.is_none()) spec.options.emplace(key, to_option(value, key));
  }
  return spec;
}

Scalar to_scalar(const py::array& array, const char* what) {
  if (const std::optional<Scalar> scalar = scalar_in(array)) return *scalar;
  throw py::type_error(std::string(what) + " should be float32 or float64, not " +
                       py::str(array.dtype()).cast<std::string>());
}

}  // namespace

std::optional<Scalar> scalar_in(const py::array& array) {
  const py::dtype dtype = array.dtype();
  constexpr char machine = std::endian::native == std::endian::little ? '<' : '>';
  if (dtype.byteorder() != '=' && dtype.byteorder() != machine) return std::nullopt;
  if (dtype.num() == py::dtype::num_of<float>()) return Scalar::float32;
  if (dtype.num() == py::dtype::num_of<double>()) return Scalar::float64;
  return std::nullopt;
}

std::vector<Spec> to_specs(const py::list& layers) {
  std::vector<Spec> specs;
  for (const py::handle layer : layers) specs.push_back(to_spec(layer.cast<py::dict>()));
  return specs;
}

Rows to_rows(const py::array& array, Size width, const char* what) {
  const Scalar scalar = to_scalar(array, what);
  if (array.ndim() < 1) throw InvalidArgument(std::string(what) + " should have one row per sample, not be a number");
  const py::ssize_t item = array.itemsize();
  Size numbers = 1;
  for (py::ssize_t axis = array.ndim() - 1; axis > 0; --axis) {
    if (array.shape(0) > 0 && array.shape(axis) > 1 && array.strides(axis) != item * numbers)
      throw InvalidArgument(std::string(what) + " has gaps within its samples");
    numbers *= array.shape(axis);
  }
  if (numbers != width)
    throw InvalidArgument(std::string(what) + " has " + std::to_string(numbers) + " numbers per sample, expected " +
                          std::to_string(width));
  const Size stride = array.shape(0) > 1 ? static_cast<Size>(array.strides(0)) : width * item;
  if (stride % item != 0) throw InvalidArgument(std::string(what) + " has rows that do not start on a number");
  return {array.data(), scalar, stride / item};
}

}  // namespace multicapa
