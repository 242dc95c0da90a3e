// What the core is and has: instruction set, BLAS, threads, the lists of activations, losses and optimisers.

#include <algorithm>
#include <numeric>
#include <optional>
#include <sstream>

#include "base/shuffle.hpp"
#include "base/team.hpp"
#include "bindings/convert.hpp"
#include "bindings/gil.hpp"
#include "bindings/register.hpp"
#include "kernels/dispatch.hpp"
#include "kernels/products/matmul.hpp"
#include "layers/layer.hpp"

namespace multicapa {
namespace {

py::dict with_parameter(const char* name, const char* formula, const char* parameter, double value) {
  py::dict entry;
  entry["name"] = name;
  entry["formula"] = formula;
  entry["parameter"] = parameter ? py::cast(parameter) : py::none();
  entry["default_parameter"] = parameter ? py::cast(value) : py::none();
  return entry;
}

py::list activations() {
  py::list list;
  const KernelTable<double>& table = kernels<double>();
  for (int i = 0; i < table.activation_count; ++i) {
    const ActivationKernel<double>& row = table.activations[i];
    list.append(with_parameter(row.name, row.formula, row.parameter, row.default_parameter));
  }
  return list;
}

py::list losses() {
  py::list list;
  const KernelTable<double>& table = kernels<double>();
  for (int i = 0; i < table.loss_count; ++i) {
    const LossKernel<double>& row = table.losses[i];
    py::dict entry = with_parameter(row.name, row.formula, row.parameter, row.default_parameter);
    entry["fused_activation"] = row.fused_activation ? py::cast(row.fused_activation) : py::none();
    list.append(entry);
  }
  return list;
}

py::list optimizers() {
  py::list list;
  const KernelTable<double>& table = kernels<double>();
  for (int i = 0; i < table.optimizer_count; ++i) {
    py::dict entry;
    entry["name"] = table.optimizers[i].name;
    entry["formula"] = table.optimizers[i].formula;
    py::list names;
    std::istringstream words(table.optimizers[i].hyperparameters);
    for (std::string word; words >> word;) names.append(word);
    entry["hyperparameters"] = names;
    list.append(entry);
  }
  return list;
}

Size find_not_finite_in(const void* numbers, Scalar scalar, Size count, bool as_float32) {
  const WithoutGil no_gil;
  return as_float32 ? kernels<float>().find_not_finite(numbers, scalar, count)
                    : kernels<double>().find_not_finite(numbers, scalar, count);
}

// Index of the first number of a contiguous array that a network of this type could not take, or -1.
Size find_not_finite(py::array array, bool as_float32) {
  const Size count = static_cast<Size>(array.size());
  const Rows rows = to_rows(array.reshape({static_cast<py::ssize_t>(count)}), 1, "array");
  return find_not_finite_in(rows.data, rows.scalar, count, as_float32);
}

// Whether a network whose inputs have this shape can read X as it is: what most arrays are, seen at one look, where
// Python takes five times as long to find out. False is no verdict.
bool are_samples(const py::object& x, const py::tuple& shape, bool as_float32) {
  if (Py_TYPE(x.ptr()) != py::detail::npy_api::get().PyArray_Type_) return false;  // a subclass may have a mask
  const auto array = py::reinterpret_borrow<py::array>(x);
  const std::optional<Scalar> scalar = scalar_in(array);
  constexpr int wanted = py::detail::npy_api::NPY_ARRAY_C_CONTIGUOUS_ | py::detail::npy_api::NPY_ARRAY_ALIGNED_;
  const py::ssize_t axes = static_cast<py::ssize_t>(shape.size()) + 1;
  if (!scalar || (array.flags() & wanted) != wanted || array.ndim() != axes) return false;
  for (py::ssize_t axis = 1; axis < axes; ++axis)
    if (array.shape(axis) != shape[static_cast<std::size_t>(axis - 1)].cast<py::ssize_t>()) return false;
  return find_not_finite_in(array.data(), *scalar, array.size(), as_float32) < 0;
}

py::array_t<Size> shuffled(const py::array_t<Size, py::array::c_style | py::array::forcecast>& order,
                           std::uint64_t seed, std::uint64_t stream) {
  py::array_t<Size> made(order.size());
  Size* indices = made.mutable_data();
  const Size count = static_cast<Size>(made.size());
  const Size* given = order.data();
  const WithoutGil no_gil;
  std::copy_n(given, count, indices);
  shuffle(indices, count, seed, stream);
  return made;
}

// The same of 0, 1, … count - 1.
py::array_t<Size> shuffled_range(Size count, std::uint64_t seed, std::uint64_t stream) {
  py::array_t<Size> made(count);
  Size* indices = made.mutable_data();
  const WithoutGil no_gil;
  std::iota(indices, indices + count, Size{0});
  shuffle(indices, count, seed, stream);
  return made;
}

}  // namespace

void register_facts(py::module_& module) {
  kernels<float>();  // a wrong MULTICAPA_ISA shows at import
  hold_blas_at_one_thread();
  module.def("isa", [] { return kernels<float>().isa; });
  module.def("available_isas", &available_instruction_sets);
  module.def("blas", &blas_description);
  module.def("max_threads", &max_threads);
  module.def("set_max_threads", &set_max_threads, py::arg("threads"));
  module.def("limit_threads_here", &limit_threads_here, py::arg("threads"));
  module.def("activations", &activations);
  module.def("losses", &losses);
  module.def("optimizers", &optimizers);
  module.def("layers", &layer_names);
  module.def("shuffled", &shuffled_range, py::arg("count"), py::arg("seed"), py::arg("stream"));
  module.def("shuffled", &shuffled, py::arg("order"), py::arg("seed"), py::arg("stream"));
  module.def("find_not_finite", &find_not_finite, py::arg("array"), py::arg("as_float32"));
  module.def("are_samples", &are_samples, py::arg("x"), py::arg("shape"), py::arg("as_float32"));
}

}  // namespace multicapa
