// A layer of the user's, wrapped for the core: forward(x, …, name=parameter, …) and backward(dy, x, …, name=parameter,
// …) take and return arrays and run under the GIL.
#pragma once

#include "base/memory.hpp"
#include "bindings/functions.hpp"
#include "network/network.hpp"

namespace multicapa {

template <class T> class CustomLayer {
 public:
  CustomLayer(const Network<T>& network, const std::string& name, py::handle forward, py::handle backward)
      : name_(name), forward_(forward), backward_(backward) {
    const Node<T>& node = network.node(name);
    output_ = node.plan.output;
    for (const Size input : node.inputs)
      inputs_.push_back(network.nodes()[static_cast<std::size_t>(input)].plan.output);
    Layout<T> layout;
    for (const ParameterPlan& plan : node.plan.parameters)
      parameters_.push_back({plan.name, plan.shape, layout.place(elements(plan.shape))});
  }

  LayerFunctions<T> functions() const {
    return {[*this](const Call<T>& call) { run_forward(call); }, [*this](const Call<T>& call) { run_backward(call); }};
  }

 private:
  struct Parameter {
    std::string name;
    Shape shape;
    Size offset;
  };

  void run_forward(const Call<T>& call) const {
    const WithGil gil;
    const auto y = check_result<T>(call_with(forward_, samples(call), call), rows(call, output_),
                                   ("forward of layer \"" + name_ + "\"").c_str());
    copy_rows(y.data(), call.output);
  }

  void run_backward(const Call<T>& call) const {
    const WithGil gil;
    py::list arguments = samples(call);
    arguments.insert(0, array(as_const(call.dy), output_));
    const py::object result = call_with(backward_, arguments, call);
    if (parameters_.empty()) return take_deltas(result, call);
    if (!py::isinstance<py::tuple>(result) || py::len(result) != 2 || !py::isinstance<py::dict>(result[py::int_(1)]))
      throw py::type_error(what("backward") + " should return the gradient of what it read and a dict with those of " +
                           listed());
    take_deltas(result[py::int_(0)], call);
    take_gradients(py::dict(result[py::int_(1)]), call);
  }

  void take_deltas(const py::object& result, const Call<T>& call) const {
    const bool several = inputs_.size() > 1;
    if (several && (!PySequence_Check(result.ptr()) || py::len(result) != inputs_.size()))
      throw py::type_error(what("backward") + " should return a list of " + std::to_string(inputs_.size()) +
                           " gradients, one for each input");
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      const py::object delta = several ? py::object(result[py::int_(i)]) : result;
      const auto dx = check_result<T>(delta, rows(call, inputs_[i]), ("backward of layer \"" + name_ + "\"").c_str());
      if (call.dx[i].data) copy_rows(dx.data(), call.dx[i]);
    }
  }

  void take_gradients(const py::dict& given, const Call<T>& call) const {
    for (const Parameter& parameter : parameters_)
      if (!given.contains(parameter.name.c_str()) || given.size() != parameters_.size())
        throw InvalidArgument(what("backward") + " should return gradients of " + listed());
    for (const Parameter& parameter : parameters_) {
      const std::vector<py::ssize_t> shape(parameter.shape.begin(), parameter.shape.end());
      const auto gradient = check_result<T>(given[parameter.name.c_str()], shape,
                                            ("gradient of \"" + name_ + "." + parameter.name + "\"").c_str());
      T* const to = call.gradients + parameter.offset;
      for (Size i = 0; i < elements(parameter.shape); ++i)
        to[i] = call.accumulate ? to[i] + gradient.data()[i] : gradient.data()[i];
    }
  }

  std::string what(const char* function) const { return std::string(function) + " of layer \"" + name_ + "\""; }
  std::string listed() const {
    std::string names;
    for (const Parameter& parameter : parameters_) names += (names.empty() ? "" : ", ") + parameter.name;
    return names;
  }

  static std::vector<py::ssize_t> rows(const Call<T>& call, const Shape& shape) {
    std::vector<py::ssize_t> all{static_cast<py::ssize_t>(call.rows)};
    all.insert(all.end(), shape.begin(), shape.end());
    return all;
  }
  py::list samples(const Call<T>& call) const {
    py::list arrays;
    for (std::size_t i = 0; i < inputs_.size(); ++i) arrays.append(array(call.inputs[i], inputs_[i]));
    return arrays;
  }
  static py::array_t<T> array(Matrix<const T> m, const Shape& shape) {
    std::vector<py::ssize_t> all{static_cast<py::ssize_t>(m.rows)};
    all.insert(all.end(), shape.begin(), shape.end());
    py::array_t<T> made(all);
    for (Size r = 0; r < m.rows; ++r)
      std::copy_n(m.data + r * m.stride, m.columns, made.mutable_data() + r * m.columns);
    return made;
  }
  static void copy_rows(const T* from, Matrix<T> to) {
    for (Size r = 0; r < to.rows; ++r) std::copy_n(from + r * to.columns, to.columns, to.data + r * to.stride);
  }

  py::object call_with(py::handle function, const py::list& arguments, const Call<T>& call) const {
    py::dict named;
    for (const Parameter& parameter : parameters_) {
      const std::vector<py::ssize_t> shape(parameter.shape.begin(), parameter.shape.end());
      py::array_t<T> copy(shape);
      std::copy_n(call.parameters + parameter.offset, elements(parameter.shape), copy.mutable_data());
      named[parameter.name.c_str()] = copy;
    }
    return call_python_with(function, py::tuple(arguments), named);
  }

  const std::string name_;
  const py::handle forward_, backward_;
  std::vector<Shape> inputs_;
  Shape output_;
  std::vector<Parameter> parameters_;
};

}  // namespace multicapa
