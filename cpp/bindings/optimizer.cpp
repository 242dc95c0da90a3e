// An optimiser on any vector: what the paths on surfaces are drawn with.

#include "training/optimizer.hpp"
#include "bindings/convert.hpp"
#include "bindings/register.hpp"

namespace multicapa {
namespace {

using Vector = py::array_t<double, py::array::c_style>;

void update(Optimizer<double>& optimizer, Vector& x, const Vector& gradient, double rate) {
  if (x.size() != gradient.size()) throw InvalidArgument("x and its gradient should have the same length");
  if (!optimizer.slots().empty() && optimizer.slots()[0].size() != x.size())
    throw InvalidArgument("the optimizer was made for another length of x");
  optimizer.prepare(rate);
  optimizer.update(x.mutable_data(), gradient.data(), 0, x.size(), true);
}

}  // namespace

void register_optimizer(py::module_& module) {
  py::class_<Optimizer<double>>(module, "Optimizer")
      .def(py::init([](const std::string& name, const std::vector<double>& hyperparameters, Size count) {
             return std::make_unique<Optimizer<double>>(kernels<double>(), name, hyperparameters, count);
           }),
           py::arg("name"), py::arg("hyperparameters"), py::arg("count"))
      .def("update", &update, py::arg("x").noconvert(), py::arg("gradient"), py::arg("rate"));
}

}  // namespace multicapa
