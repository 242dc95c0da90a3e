// a = g(z), dz = dy ∘ g′, with g from the list of activations.

#include "layers/activation.hpp"

#include "layers/registry.hpp"

namespace multicapa {

template <class T> const ActivationKernel<T>& find_activation(const Spec& spec, const std::string& function) {
  const KernelTable<T>& table = kernels<T>();
  std::string known;
  for (int i = 0; i < table.activation_count; ++i) {
    if (function == table.activations[i].name) return table.activations[i];
    known += (i ? ", " : "") + std::string(table.activations[i].name);
  }
  spec.fail("there is no activation \"" + function + "\"; there are " + known);
}

template const ActivationKernel<float>& find_activation<float>(const Spec&, const std::string&);
template const ActivationKernel<double>& find_activation<double>(const Spec&, const std::string&);

namespace {

template <class T> class Activation final : public Layer<T> {
 public:
  explicit Activation(const Spec& spec) : kernel_(find_activation<T>(spec, spec.text("function"))) {
    parameter_ = static_cast<T>(spec.number("parameter", kernel_.default_parameter));
    if (spec.options.count("parameter") && !kernel_.parameter)
      spec.fail("the activation " + std::string(kernel_.name) + " has no parameter");
  }

  LayerPlan plan(const std::vector<Shape>& inputs) override {
    LayerPlan plan;
    plan.output = inputs.at(0);
    plan.function = kernel_.name;
    plan.function_parameter = static_cast<double>(parameter_);
    plan.work_per_row = 8 * static_cast<double>(elements(inputs[0]));
    plan.backward_reads_input = !kernel_.from_output;
    plan.backward_reads_output = kernel_.from_output;
    plan.may_work_in_place = kernel_.from_output;
    plan.either_arrangement = kernel_.by_element;
    return plan;
  }

  void forward(const Call<T>& call) const override { kernel_.forward(call.inputs[0], call.output, parameter_); }

  void backward(const Call<T>& call) const override {
    if (!call.dx[0].data) return;
    const Matrix<const T> seen = kernel_.from_output ? as_const(call.output) : call.inputs[0];
    kernel_.backward(seen, as_const(call.dy), call.dx[0], parameter_);
  }

 private:
  const ActivationKernel<T>& kernel_;
  T parameter_;
};

}  // namespace

template <class T> std::unique_ptr<Layer<T>> make_activation(const Spec& spec) {
  return std::make_unique<Activation<T>>(spec);
}

template std::unique_ptr<Layer<float>> make_activation<float>(const Spec&);
template std::unique_ptr<Layer<double>> make_activation<double>(const Spec&);

}  // namespace multicapa
