// Training: y = x ∘ m with m = 1/(1 − rate) where a unit is kept and 0 where it is dropped; otherwise y = x
// (inverted scaling, Srivastava et al. 2014). With whole_channels, m is the same for all pixels or steps of a channel
// (Tompson et al. 2015).

#include "layers/registry.hpp"

namespace multicapa {
namespace {

template <class T> class Dropout final : public Layer<T> {
 public:
  explicit Dropout(const Spec& spec)
      : rate_(static_cast<T>(spec.number("rate"))), whole_channels_(spec.flag("whole_channels", false)) {
    if (!(rate_ >= 0 && rate_ < 1)) spec.fail("rate should be at least 0 and below 1, not " + std::to_string(rate_));
  }

  LayerPlan plan(const std::vector<Shape>& inputs) override {
    LayerPlan plan;
    plan.output = inputs.at(0);
    masked_ = whole_channels_ ? plan.output.back() : elements(plan.output);
    plan.kept_per_row = masked_;
    plan.work_per_row = 16 * static_cast<double>(elements(plan.output));
    plan.backward_reads_input = false;
    plan.may_work_in_place = true;
    return plan;
  }

  void forward(const Call<T>& call) const override {
    if (!call.training) return call.kernels->copy(call.inputs[0], call.output);
    call.kernels->dropout_mask(call.seed, call.stream(), call.first_row * masked_, rate_, call.kept,
                               call.rows * masked_);
    mask(call, call.inputs[0], call.output);
  }

  void backward(const Call<T>& call) const override {
    if (!call.dx[0].data) return;
    if (call.training) mask(call, as_const(call.dy), call.dx[0]);
    else call.kernels->copy(as_const(call.dy), call.dx[0]);
  }

 private:
  void mask(const Call<T>& call, Matrix<const T> x, Matrix<T> y) const {
    if (!whole_channels_) return call.kernels->multiply(x, {call.kept, call.rows, masked_, masked_}, y);
    const Size pixels = y.columns / masked_;
    for (Size n = 0; n < call.rows; ++n)  // a row of the mask serves all pixels of a sample
      call.kernels->multiply({x.data + n * x.stride, pixels, masked_, masked_},
                             {call.kept + n * masked_, pixels, masked_, 0},
                             {y.data + n * y.stride, pixels, masked_, masked_});
  }

  const T rate_;
  const bool whole_channels_;
  Size masked_ = 0;  // numbers of the mask of a sample
};

}  // namespace

template <class T> std::unique_ptr<Layer<T>> make_dropout(const Spec& spec) {
  return std::make_unique<Dropout<T>>(spec);
}

template std::unique_ptr<Layer<float>> make_dropout<float>(const Spec&);
template std::unique_ptr<Layer<double>> make_dropout<double>(const Spec&);

}  // namespace multicapa
