// y = γ (x − μ)/√(σ² + ε) + β with μ and σ² over the M units of one sample, or of one step of it, σ² = Σ (x − μ)²/(M −
// ddof) (Ba, Kiros & Hinton 2016).

#include <algorithm>

#include "layers/registry.hpp"
#include "layers/steps.hpp"

namespace multicapa {
namespace {

template <class T> class LayerNorm final : public Layer<T> {
 public:
  explicit LayerNorm(const Spec& spec)
      : epsilon_(static_cast<T>(spec.number("epsilon", 1e-5))), ddof_(spec.integer("ddof", 0)), spec_(spec) {
    if (!(epsilon_ >= 0)) spec.fail("epsilon should not be negative");
    if (ddof_ != 0 && ddof_ != 1) spec.fail("ddof should be 0 or 1, not " + std::to_string(ddof_));
  }

  LayerPlan plan(const std::vector<Shape>& inputs) override {
    time_ = time_of(inputs.at(0)), units_ = elements(inputs[0]) / time_;
    if (units_ <= ddof_) spec_.fail("needs more than " + std::to_string(ddof_) + " units to normalise over");
    LayerPlan plan;
    plan.output = inputs[0];
    plan.parameters.push_back({"gamma", {units_}, units_, units_, false});
    plan.parameters.push_back({"beta", {units_}, units_, units_, false});
    plan.kept_per_row = 2 * time_;
    plan.work_per_row = 8 * static_cast<double>(elements(inputs[0]));
    plan.stepwise = true;
    return plan;
  }

  void forward(const Call<T>& call) const override {
    const Steps<T> steps(call, time_);
    for (Size p = 0; p < steps.pieces(); ++p)
      call.kernels->normalize_rows(steps.of(call.inputs[0], p, units_), call.parameters, call.parameters + beta(),
                                   epsilon_, ddof_, steps.of(call.output, p, units_),
                                   call.kept + 2 * steps.first_step(p));
  }

  void backward(const Call<T>& call) const override {
    if (!call.accumulate) std::fill_n(call.gradients, 2 * beta(), T(0));
    const Steps<T> steps(call, time_);
    for (Size p = 0; p < steps.pieces(); ++p)
      call.kernels->normalize_rows_backward(steps.of(as_const(call.dy), p, units_), steps.of(call.inputs[0], p, units_),
                                            call.kept + 2 * steps.first_step(p), call.parameters, ddof_,
                                            steps.of(call.dx[0], p, units_), call.gradients, call.gradients + beta());
  }

 private:
  Size beta() const { return aligned<T>(units_); }

  const T epsilon_;
  const Size ddof_;
  const Spec spec_;
  Size units_ = 0, time_ = 1;
};

}  // namespace

template <class T> std::unique_ptr<Layer<T>> make_layer_norm(const Spec& spec) {
  return std::make_unique<LayerNorm<T>>(spec);
}

template std::unique_ptr<Layer<float>> make_layer_norm<float>(const Spec&);
template std::unique_ptr<Layer<double>> make_layer_norm<double>(const Spec&);

}  // namespace multicapa
