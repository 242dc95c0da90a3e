// a = g(z) with a g of the user's, attached after the network was built: slower, since it leaves the core for every
// block.

#include "layers/registry.hpp"

namespace multicapa {
namespace {

template <class T> class CustomActivation final : public Layer<T> {
 public:
  explicit CustomActivation(const Spec& spec) : spec_(spec) {}

  LayerPlan plan(const std::vector<Shape>& inputs) override {
    LayerPlan plan;
    plan.output = inputs.at(0);
    plan.work_per_row = 64 * static_cast<double>(elements(plan.output));
    plan.calls_out = true;
    return plan;
  }

  using Layer<T>::attach;
  void attach(const Function<T>& function) override { function_ = function; }

  void forward(const Call<T>& call) const override {
    if (!function_.value) spec_.fail("has no functions attached");
    function_.value(call.inputs[0], call.output);
  }

  void backward(const Call<T>& call) const override {
    if (call.dx[0].data) function_.derivative(call.inputs[0], as_const(call.dy), call.dx[0]);
  }

 private:
  const Spec spec_;
  Function<T> function_;
};

}  // namespace

template <class T> std::unique_ptr<Layer<T>> make_custom_activation(const Spec& spec) {
  return std::make_unique<CustomActivation<T>>(spec);
}

template std::unique_ptr<Layer<float>> make_custom_activation<float>(const Spec&);
template std::unique_ptr<Layer<double>> make_custom_activation<double>(const Spec&);

}  // namespace multicapa
