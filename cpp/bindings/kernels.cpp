// Activations and losses on bare arrays, as any instruction set of the machine computes them: what the tests of their
// accuracy call.

#include "bindings/convert.hpp"
#include "bindings/register.hpp"
#include "kernels/dispatch.hpp"

namespace multicapa {
namespace {

template <class T> using Column = py::array_t<T, py::array::c_style>;

template <class T> const KernelTable<T>& table_of(const std::string& isa) {
  if constexpr (sizeof(T) == sizeof(float)) return kernel_tables(isa).single_precision;
  else return kernel_tables(isa).double_precision;
}

template <class Row> const Row& find(const Row* rows, int count, const std::string& name) {
  for (int i = 0; i < count; ++i)
    if (name == rows[i].name) return rows[i];
  throw InvalidArgument("there is no kernel \"" + name + "\"");
}

template <class T> Matrix<const T> samples_of_one(const Column<T>& column) {
  return {column.data(), static_cast<Size>(column.size()), 1, 1};
}

template <class T> Column<T> activation_values(const std::string& isa, const std::string& name, const Column<T>& z) {
  const KernelTable<T>& table = table_of<T>(isa);
  const ActivationKernel<T>& kernel = find(table.activations, table.activation_count, name);
  Column<T> a(z.size());
  const Matrix<const T> in = samples_of_one(z);
  const Matrix<T> out{a.mutable_data(), in.rows, 1, 1};
  const py::gil_scoped_release no_gil;
  kernel.forward(in, out, static_cast<T>(kernel.default_parameter));
  return a;
}

template <class T>
Column<T> loss_costs(const std::string& isa, const std::string& name, const Column<T>& y, const Column<T>& targets) {
  if (y.size() != targets.size()) throw InvalidArgument("y and targets should have the same length");
  const KernelTable<T>& table = table_of<T>(isa);
  const LossKernel<T>& kernel = find(table.losses, table.loss_count, name);
  Column<T> costs(y.size());
  const LossCall<T> call{
      samples_of_one(y),   samples_of_one(targets), nullptr, T(1), static_cast<T>(kernel.default_parameter), {},
      costs.mutable_data()};
  const py::gil_scoped_release no_gil;
  kernel.plain(call);
  return costs;
}

template <class T> void register_for(py::module_& module) {
  module.def("activation_values", &activation_values<T>, py::arg("isa"), py::arg("name"), py::arg("z").noconvert());
  module.def("loss_costs", &loss_costs<T>, py::arg("isa"), py::arg("name"), py::arg("y").noconvert(),
             py::arg("targets").noconvert());
}

}  // namespace

void register_kernels(py::module_& module) {
  register_for<float>(module);
  register_for<double>(module);
}

}  // namespace multicapa
