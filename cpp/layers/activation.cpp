// a = g(z), dz = dy ∘ g′, with g from the list of activations.

#include "layers/activation.hpp"

#include "layers/registry.hpp"
#include "layers/steps.hpp"

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
    plan.stepwise = true;
    if (!kernel_.by_element && inputs[0].size() == 2) time_ = inputs[0][0], features_ = inputs[0][1];
    return plan;
  }

  void forward(const Call<T>& call) const override {
    if (time_ == 0) return kernel_.forward(call.inputs[0], call.output, parameter_);
    const Steps<T> steps(call, time_);
    for (Size p = 0; p < steps.pieces(); ++p) {
      const Matrix<const T> z = steps.of(call.inputs[0], p, features_);
      const Matrix<T> a = steps.of(call.output, p, features_);
      if (call.training) kernel_.forward(z, a, parameter_);
      else forward_one_by_one(z, a);
    }
  }

  void backward(const Call<T>& call) const override {
    if (!call.dx[0].data) return;
    const Matrix<const T> seen = kernel_.from_output ? as_const(call.output) : call.inputs[0];
    if (time_ == 0) return kernel_.backward(seen, as_const(call.dy), call.dx[0], parameter_);
    const Steps<T> steps(call, time_);
    for (Size p = 0; p < steps.pieces(); ++p)
      kernel_.backward(steps.of(seen, p, features_), steps.of(as_const(call.dy), p, features_),
                       steps.of(call.dx[0], p, features_), parameter_);
  }

 private:
  // The same for a step of a stream as for those of a whole sequence.
  void forward_one_by_one(Matrix<const T> z, Matrix<T> a) const {
    for (Size r = 0; r < z.rows; ++r)
      kernel_.forward({z.data + r * z.stride, 1, z.columns, z.stride}, {a.data + r * a.stride, 1, a.columns, a.stride},
                      parameter_);
  }

  const ActivationKernel<T>& kernel_;
  T parameter_;
  Size time_ = 0, features_ = 0;  // of what goes over the features of a step
};

}  // namespace

template <class T> std::unique_ptr<Layer<T>> make_activation(const Spec& spec) {
  return std::make_unique<Activation<T>>(spec);
}

template std::unique_ptr<Layer<float>> make_activation<float>(const Spec&);
template std::unique_ptr<Layer<double>> make_activation<double>(const Spec&);

}  // namespace multicapa
