// Optimisers as Python holds them: what trains a network, and what paths on surfaces are drawn with.

#include "training/optimizer.hpp"

#include <algorithm>

#include "bindings/convert.hpp"
#include "bindings/register.hpp"

namespace multicapa {
namespace {

template <class T> using Numbers = py::array_t<T, py::array::c_style>;

template <class T> void update(Optimizer<T>& optimizer, Numbers<T>& x, const Numbers<T>& gradient, double rate) {
  if (x.size() != gradient.size()) throw InvalidArgument("x and its gradient should have the same length");
  if (optimizer.parameter_count() != x.size()) throw InvalidArgument("the optimizer was made for another length of x");
  optimizer.prepare(rate);
  optimizer.update(x.mutable_data(), gradient.data(), 0, x.size(), true);
}

// What it is and what it remembers: steps, a few numbers, and vectors as long as the parameters.
template <class T> py::tuple state(const Optimizer<T>& optimizer) {
  py::list slots;
  for (const Buffer<T>& slot : optimizer.slots())
    slots.append(py::array_t<T>(static_cast<py::ssize_t>(slot.size()), slot.data()));
  return py::make_tuple(optimizer.name(), optimizer.hyperparameters(), optimizer.parameter_count(), optimizer.steps,
                        optimizer.carried, optimizer.first_cost, slots);
}

template <class T> std::unique_ptr<Optimizer<T>> from_state(const py::tuple& state) try {
  if (state.size() != 7) throw InvalidArgument("this is no optimizer's state");
  auto optimizer = std::make_unique<Optimizer<T>>(kernels<T>(), state[0].cast<std::string>(),
                                                  state[1].cast<std::vector<double>>(), state[2].cast<Size>());
  optimizer->steps = state[3].cast<Size>();
  if (optimizer->steps < 0) throw InvalidArgument("an optimizer has done 0 steps or more");
  optimizer->carried = state[4].cast<std::array<double, 4>>();
  optimizer->first_cost = state[5].cast<double>();
  const auto slots = state[6].cast<std::vector<Numbers<T>>>();
  const auto fits = [&](const Numbers<T>& slot) { return slot.size() == optimizer->parameter_count(); };
  if (slots.size() != optimizer->slots().size() || !std::all_of(slots.begin(), slots.end(), fits))
    throw InvalidArgument("what the optimizer remembers has another length");
  for (std::size_t i = 0; i < slots.size(); ++i)
    std::copy_n(slots[i].data(), slots[i].size(), optimizer->slots()[i].data());
  return optimizer;
} catch (const py::cast_error&) {
  throw InvalidArgument("this is no optimizer's state: its parts are of other types");
}

template <class T> void register_optimizer_of(py::module_& module, const char* name) {
  py::class_<Optimizer<T>>(module, name)
      .def(py::init([](const std::string& kind, const std::vector<double>& hyperparameters, Size count) {
             return std::make_unique<Optimizer<T>>(kernels<T>(), kind, hyperparameters, count);
           }),
           py::arg("name"), py::arg("hyperparameters"), py::arg("count"))
      .def("update", &update<T>, py::arg("x").noconvert(), py::arg("gradient"), py::arg("rate"))
      .def_readonly("steps", &Optimizer<T>::steps)
      .def(py::pickle(&state<T>, &from_state<T>));
}

}  // namespace

void register_optimizer(py::module_& module) {
  register_optimizer_of<float>(module, "OptimizerFloat32");
  register_optimizer_of<double>(module, "OptimizerFloat64");
}

}  // namespace multicapa
