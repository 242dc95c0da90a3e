// The same numbers under another shape: flatten and reshape.

#include <algorithm>

#include "layers/registry.hpp"

namespace multicapa {
namespace {

template <class T> class Reshape final : public Layer<T> {
 public:
  Reshape(const Spec& spec, Shape target) : target_(std::move(target)), spec_(spec) {}

  LayerPlan plan(const std::vector<Shape>& inputs) override {
    const Size size = elements(inputs.at(0));
    LayerPlan plan;
    plan.output = target_.empty() ? Shape{size} : target_;
    if (elements(plan.output) != size)
      spec_.fail("cannot turn samples of shape " + to_string(inputs[0]) + " (" + std::to_string(size) +
                 " numbers) into shape " + to_string(target_));
    plan.backward_reads_input = false;
    plan.may_work_in_place = true;
    plan.either_arrangement = true;
    return plan;
  }

  void forward(const Call<T>& call) const override {
    if (call.output.data != call.inputs[0].data) call.kernels->copy(call.inputs[0], call.output);
  }

  void backward(const Call<T>& call) const override {
    if (call.dx[0].data && call.dx[0].data != call.dy.data) call.kernels->copy(as_const(call.dy), call.dx[0]);
  }

 private:
  const Shape target_;  // empty: one axis
  const Spec spec_;
};

}  // namespace

template <class T> std::unique_ptr<Layer<T>> make_flatten(const Spec& spec) {
  return std::make_unique<Reshape<T>>(spec, Shape{});
}

template <class T> std::unique_ptr<Layer<T>> make_reshape(const Spec& spec) {
  const Shape target = spec.shape("shape");
  if (target.empty() || std::any_of(target.begin(), target.end(), [](Size extent) { return extent < 1; }))
    spec.fail("shape should be positive integers, not " + to_string(target));
  return std::make_unique<Reshape<T>>(spec, target);
}

template std::unique_ptr<Layer<float>> make_flatten<float>(const Spec&);
template std::unique_ptr<Layer<double>> make_flatten<double>(const Spec&);
template std::unique_ptr<Layer<float>> make_reshape<float>(const Spec&);
template std::unique_ptr<Layer<double>> make_reshape<double>(const Spec&);

}  // namespace multicapa
