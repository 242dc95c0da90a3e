// z = x ∗ w + b over height and width (a series has height 1): z at (i, j) is the sum of the taps' products with what
// the window sees there, zeros beyond the borders. dw = Σ over samples and pixels of x ⊗ dz, db = Σ dz, and dx is dz
// seen through the turned window (LeCun et al. 1989).

#include "layers/registry.hpp"
#include "layers/window.hpp"

namespace multicapa {
namespace {

template <class T> class Convolution final : public Layer<T> {
 public:
  Convolution(const Spec& spec, Size axes)
      : axes_(axes),
        filters_(spec.integer("filters")),
        groups_(spec.integer("groups", 1)),
        has_bias_(spec.flag("bias", true)),
        window_(spec, axes, "kernel_size"),
        spec_(spec) {
    if (filters_ < 1) spec.fail("filters should be at least 1, not " + std::to_string(filters_));
    if (groups_ < 1) spec.fail("groups should be at least 1, not " + std::to_string(groups_));
    if (filters_ % groups_ != 0)
      spec.fail(std::to_string(filters_) + " filters cannot be divided into " + std::to_string(groups_) + " groups");
  }

  LayerPlan plan(const std::vector<Shape>& inputs) override {
    shape_ = window_.over(inputs.at(0));
    if (shape_.channels % groups_ != 0)
      spec_.fail(std::to_string(shape_.channels) + " channels cannot be divided into " + std::to_string(groups_) +
                 " groups");
    shape_.filters = filters_, shape_.groups = groups_;
    LayerPlan plan;
    plan.output = window_.output(shape_);
    const Size down = shape_.vertical.taps, across = shape_.horizontal.taps, channels = shape_.channels / groups_;
    const Shape weight = axes_ == 1 ? Shape{across, channels, filters_} : Shape{down, across, channels, filters_};
    weights_ = elements(weight);
    const Size fan_in = down * across * channels, fan_out = down * across * (filters_ / groups_);
    plan.parameters.push_back({"weight", weight, fan_in, fan_out, true});
    if (has_bias_) plan.parameters.push_back({"bias", {filters_}, fan_in, fan_out, false});
    plan.scratch = weights_;
    plan.work_per_row = static_cast<double>(fan_in) * static_cast<double>(elements(plan.output));
    plan.shares_weights = true;
    plan.either_arrangement = true;
    return plan;
  }

  void forward(const Call<T>& call) const override {
    call.kernels->maps->convolution_forward(shape_, call.arrangement, call.inputs[0], call.parameters,
                                            has_bias_ ? call.parameters + bias_offset() : nullptr, call.output);
  }

  void backward(const Call<T>& call) const override {
    const MapKernels<T>& kernels = *call.kernels->maps;
    const Matrix<const T> dz = as_const(call.dy);
    kernels.convolution_gradient(shape_, call.arrangement, call.rows, call.inputs[0], dz, call.gradients,
                                 has_bias_ ? call.gradients + bias_offset() : nullptr, call.accumulate);
    if (!call.dx[0].data) return;
    kernels.turn_weights(shape_, call.parameters, call.scratch);
    kernels.convolution_backward(shape_, call.arrangement, dz, call.scratch, call.dx[0]);
  }

 private:
  Size bias_offset() const { return aligned<T>(weights_); }

  const Size axes_, filters_, groups_;
  const bool has_bias_;
  const Window window_;
  const Spec spec_;
  WindowShape shape_{};
  Size weights_ = 0;
};

}  // namespace

template <class T> std::unique_ptr<Layer<T>> make_conv1d(const Spec& spec) {
  return std::make_unique<Convolution<T>>(spec, 1);
}
template <class T> std::unique_ptr<Layer<T>> make_conv2d(const Spec& spec) {
  return std::make_unique<Convolution<T>>(spec, 2);
}

template std::unique_ptr<Layer<float>> make_conv1d<float>(const Spec&);
template std::unique_ptr<Layer<double>> make_conv1d<double>(const Spec&);
template std::unique_ptr<Layer<float>> make_conv2d<float>(const Spec&);
template std::unique_ptr<Layer<double>> make_conv2d<double>(const Spec&);

}  // namespace multicapa
