// y = x_1 ∘ x_2 ∘ …: one branch of the graph decides how much of another goes on.

#include "layers/registry.hpp"

namespace multicapa {
namespace {

template <class T> class Multiply final : public Layer<T> {
 public:
  explicit Multiply(const Spec& spec) : spec_(spec) {}

  LayerPlan plan(const std::vector<Shape>& inputs) override {
    if (inputs.size() < 2) spec_.fail("joins two or more inputs, not " + std::to_string(inputs.size()));
    for (const Shape& shape : inputs)
      if (shape != inputs[0])
        spec_.fail("multiplies samples of one shape, not " + to_string(inputs[0]) + " and " + to_string(shape) +
                   "; project one with a Dense layer first");
    LayerPlan plan;
    plan.output = inputs[0];
    plan.work_per_row = static_cast<double>(elements(inputs[0]) * static_cast<Size>(inputs.size()));
    plan.either_arrangement = true;
    return plan;
  }

  void forward(const Call<T>& call) const override {
    call.kernels->multiply(call.inputs[0], call.inputs[1], call.output);
    for (std::size_t i = 2; i < call.inputs.size(); ++i)
      call.kernels->multiply(as_const(call.output), call.inputs[i], call.output);
  }

  // dx_i = dy ∘ the product of all the others.
  void backward(const Call<T>& call) const override {
    for (std::size_t i = 0; i < call.dx.size(); ++i) {
      if (!call.dx[i].data) continue;
      Matrix<const T> product = as_const(call.dy);
      for (std::size_t j = 0; j < call.inputs.size(); ++j) {
        if (j == i) continue;
        call.kernels->multiply(product, call.inputs[j], call.dx[i]);
        product = as_const(call.dx[i]);
      }
    }
  }

 private:
  const Spec spec_;
};

}  // namespace

template <class T> std::unique_ptr<Layer<T>> make_multiply(const Spec& spec) {
  return std::make_unique<Multiply<T>>(spec);
}

template std::unique_ptr<Layer<float>> make_multiply<float>(const Spec&);
template std::unique_ptr<Layer<double>> make_multiply<double>(const Spec&);

}  // namespace multicapa
