// Training: y = x ∘ m with m = 1/(1 − rate) where a unit is kept and 0 where it is dropped; otherwise y = x
// (inverted scaling, Srivastava et al. 2014).

#include "layers/registry.hpp"

namespace multicapa {
namespace {

template <class T> class Dropout final : public Layer<T> {
 public:
  explicit Dropout(const Spec& spec) : rate_(static_cast<T>(spec.number("rate"))) {
    if (!(rate_ >= 0 && rate_ < 1)) spec.fail("rate should be at least 0 and below 1, not " + std::to_string(rate_));
  }

  LayerPlan plan(const std::vector<Shape>& inputs) override {
    LayerPlan plan;
    plan.output = inputs.at(0);
    plan.kept_per_row = elements(plan.output);
    plan.work_per_row = 16 * static_cast<double>(plan.kept_per_row);
    plan.backward_reads_input = false;
    plan.may_work_in_place = true;
    plan.either_arrangement = plan.stepwise = true;
    return plan;
  }

  void forward(const Call<T>& call) const override {
    if (!call.training) return call.kernels->copy(call.inputs[0], call.output);
    const Matrix<const T> all = mask(call);
    call.kernels->dropout_mask(call.seed, call.stream(), call.first_row * call.kept_stride, rate_, call.kept,
                               all.rows * all.stride);
    call.kernels->multiply(call.inputs[0], mask(call), call.output);
  }

  void backward(const Call<T>& call) const override {
    if (!call.dx[0].data) return;
    if (call.training) call.kernels->multiply(as_const(call.dy), mask(call), call.dx[0]);
    else call.kernels->copy(as_const(call.dy), call.dx[0]);
  }

 private:
  static Matrix<const T> mask(const Call<T>& call) {
    const bool columns = call.arrangement == Arrangement::samples_as_columns;
    return {call.kept, call.output.rows, call.output.columns, columns ? call.output.stride : call.kept_stride};
  }

  const T rate_;
};

}  // namespace

template <class T> std::unique_ptr<Layer<T>> make_dropout(const Spec& spec) {
  return std::make_unique<Dropout<T>>(spec);
}

template std::unique_ptr<Layer<float>> make_dropout<float>(const Spec&);
template std::unique_ptr<Layer<double>> make_dropout<double>(const Spec&);

}  // namespace multicapa
