// Activations, losses and products in tiles on bare arrays, as any instruction set of the machine computes them: what
// the tests of their accuracy call.

#include <optional>

#include <pybind11/stl.h>

#include "base/memory.hpp"
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

using Array = py::array_t<float>;

Operand<float> operand(const Array& x, bool along) {
  return {x.data(), x.strides(0) / static_cast<Size>(sizeof(float)),
          along ? DepthLies::along_rows : DepthLies::across_rows};
}

const float* numbers_of(const std::optional<Column<float>>& bias, Size count) {
  if (bias && bias->size() != count) throw InvalidArgument("a bias should have " + std::to_string(count) + " numbers");
  return bias ? bias->data() : nullptr;
}

// c = a·b + bias, or c += a·b, where rows of a and b run along the depth or are one depth each.
void multiply_tiles(const std::string& isa, const Array& a, bool a_along, const Array& b, bool b_along, Array& c,
                    const std::optional<Column<float>>& per_column, const std::optional<Column<float>>& per_row,
                    bool accumulate) {
  const TileProduct<float>* tiles = table_of<float>(isa).tiles;
  if (!tiles) throw InvalidArgument(isa + " has no tiles");
  if (a.ndim() != 2 || b.ndim() != 2 || c.ndim() != 2) throw InvalidArgument("a, b and c should have two dimensions");
  const GemmShape shape{a.shape(a_along ? 0 : 1), b.shape(b_along ? 0 : 1), a.shape(a_along ? 1 : 0)};
  if (b.shape(b_along ? 1 : 0) != shape.depth || c.shape(0) != shape.rows || c.shape(1) != shape.columns)
    throw InvalidArgument("the shapes of a, b and c do not fit together");
  Buffer<float> memory(tiles->room);
  tiles->multiply(shape, operand(a, a_along), operand(b, b_along),
                  {numbers_of(per_column, shape.columns), numbers_of(per_row, shape.rows)}, c.mutable_data(),
                  c.strides(0) / static_cast<Size>(sizeof(float)), accumulate, memory.data());
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
  module.def("multiply_tiles", &multiply_tiles, py::arg("isa"), py::arg("a").noconvert(), py::arg("a_along"),
             py::arg("b").noconvert(), py::arg("b_along"), py::arg("c").noconvert(), py::arg("per_column") = py::none(),
             py::arg("per_row") = py::none(), py::arg("accumulate") = false);
}

}  // namespace multicapa
