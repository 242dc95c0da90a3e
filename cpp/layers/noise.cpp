// Training: y = x + stddev · n with n from the standard normal distribution; otherwise y = x (Bishop 1995).

#include "layers/registry.hpp"

namespace multicapa {
namespace {

template <class T> class GaussianNoise final : public Layer<T> {
 public:
  explicit GaussianNoise(const Spec& spec) : stddev_(static_cast<T>(spec.number("stddev"))) {
    if (!(stddev_ >= 0)) spec.fail("stddev should not be negative, but is " + std::to_string(stddev_));
  }

  LayerPlan plan(const std::vector<Shape>& inputs) override {
    LayerPlan plan;
    plan.output = inputs.at(0);
    plan.kept_per_row = elements(plan.output);
    plan.work_per_row = 64 * static_cast<double>(plan.kept_per_row);
    plan.backward_reads_input = false;
    plan.may_work_in_place = true;
    plan.stepwise = true;
    return plan;
  }

  void forward(const Call<T>& call) const override {
    call.kernels->copy(call.inputs[0], call.output);
    if (!call.training) return;
    const Size units = call.output.columns;
    call.kernels->normal(call.seed, call.stream(), call.first_row * units, call.kept, call.rows * units);
    for (Size r = 0; r < call.rows; ++r) {
      T* row = call.output.data + r * call.output.stride;
      call.kernels->add_scaled(call.kept + r * units, stddev_, row, row, units);
    }
  }

  void backward(const Call<T>& call) const override {
    if (call.dx[0].data && call.dx[0].data != call.dy.data) call.kernels->copy(as_const(call.dy), call.dx[0]);
  }

 private:
  const T stddev_;
};

}  // namespace

template <class T> std::unique_ptr<Layer<T>> make_gaussian_noise(const Spec& spec) {
  return std::make_unique<GaussianNoise<T>>(spec);
}

template std::unique_ptr<Layer<float>> make_gaussian_noise<float>(const Spec&);
template std::unique_ptr<Layer<double>> make_gaussian_noise<double>(const Spec&);

}  // namespace multicapa
