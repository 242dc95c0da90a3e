// y = γ (x − μ)/√(σ² + ε) + β with μ and σ² of every unit over the whole batch, σ² = Σ (x − μ)²/(b − ddof); outside
// training with running means of both (Ioffe & Szegedy 2015). Of maps and series, the units are the channels, and b
// counts the pixels or steps of all samples. A batch too small to have a variance is normalised by the running means
// too, and so is every batch of a frozen layer.

#include <algorithm>
#include <cmath>

#include "layers/registry.hpp"

namespace multicapa {
namespace {

constexpr Size most_pixels = 1024;

template <class T> class BatchNorm final : public Layer<T> {
 public:
  explicit BatchNorm(const Spec& spec)
      : epsilon_(spec.number("epsilon", 1e-5)),
        momentum_(spec.number("momentum", 0.9)),
        ddof_(spec.integer("ddof", 0)) {
    if (!(epsilon_ >= 0)) spec.fail("epsilon should not be negative");
    if (!(momentum_ >= 0 && momentum_ <= 1)) spec.fail("momentum should lie in [0, 1]");
    if (ddof_ != 0 && ddof_ != 1) spec.fail("ddof should be 0 or 1, not " + std::to_string(ddof_));
  }

  LayerPlan plan(const std::vector<Shape>& inputs) override {
    units_ = inputs.at(0).back();
    pixels_ = elements(inputs[0]) / units_;
    step_ = aligned<T>(units_);
    LayerPlan plan;
    plan.output = inputs[0];
    plan.parameters.push_back({"gamma", {units_}, units_, units_, false});
    plan.parameters.push_back({"beta", {units_}, units_, units_, false});
    plan.states.push_back({"running_mean", {units_}, 0});
    plan.states.push_back({"running_variance", {units_}, 1});
    plan.work_per_row = 8 * static_cast<double>(units_ * pixels_);
    plan.batch_sums = 4 * step_;
    return plan;
  }

  void forward(const Call<T>& call) const override {
    if (!call.training) use_running_moments(call);
    for_parts(call, [&](Size first, Size count) {
      call.kernels->normalize_columns(pixels(call.inputs[0], first, count), mean(call), factor(call), beta(call),
                                      pixels(call.output, first, count));
    });
  }

  void forward_sums(const Call<T>& call, T* sums) const override {
    double rows = 0;
    for_parts(call, [&](Size first, Size count) {
      const Matrix<const T> part = pixels(call.inputs[0], first, count);
      if (first == 0) call.kernels->column_moments(part, sums, sums + step_);
      else add_moments(call, part, rows, sums);
      rows += static_cast<double>(part.rows);
    });
  }

  // Means and squared deviations of the blocks, put together one by one (Chan, Golub & LeVeque 1979).
  void combine_forward(const Call<T>& call, const BlockSums<T>& blocks) const override {
    if (uses_running_moments(count(blocks))) return use_running_moments(call);
    for (Size u = 0; u < units_; ++u) {
      double center = 0, deviation = 0, rows = 0;
      for (Size b = 0; b < blocks.blocks; ++b) {
        const T* sums = blocks.sums + b * blocks.stride;
        const double n = static_cast<double>(blocks.rows[b] * pixels_), difference = sums[u] - center;
        deviation += sums[step_ + u] + difference * difference * rows * n / (rows + n);
        center += difference * n / (rows + n);
        rows += n;
      }
      const double spread = deviation / (rows - static_cast<double>(ddof_));
      set_moments(call, u, center, spread);
      T *running_mean = call.state + u, *running_variance = call.state + step_ + u;
      *running_mean = static_cast<T>(momentum_ * *running_mean + (1 - momentum_) * center);
      *running_variance = static_cast<T>(momentum_ * *running_variance + (1 - momentum_) * spread);
    }
  }

  void backward_sums(const Call<T>& call, T* sums) const override {
    T* part = sums + 2 * step_;
    for_parts(call, [&](Size first, Size count) {
      T* to = first == 0 ? sums : part;
      call.kernels->column_products(pixels(as_const(call.dy), first, count), pixels(call.inputs[0], first, count),
                                    mean(call), to, to + step_);
      if (first > 0) call.kernels->add({part, 1, 2 * step_, 2 * step_}, {sums, 1, 2 * step_, 2 * step_});
    });
  }

  // dγ = Σ dy x̂, dβ = Σ dy, dx = γ/σ (dy − dβ/b − x̂ dγ/(b − ddof)), as of_dy · dy + of_x · (x − μ) + constant.
  void combine_backward(const Call<T>& call, const BlockSums<T>& blocks) const override {
    const Size total = count(blocks);
    T *of_dy = blend(call), *of_x = of_dy + step_, *constant = of_x + step_;
    for (Size u = 0; u < units_; ++u) {
      double sum = 0, product = 0;
      for (Size b = 0; b < blocks.blocks; ++b) {
        sum += blocks.sums[b * blocks.stride + u];
        product += blocks.sums[b * blocks.stride + step_ + u];
      }
      const double inverse_sigma = inverse_deviation(call)[u], scale = call.parameters[u] * inverse_sigma;
      const T before[] = {call.begins_gradient ? T(0) : call.gradients[u],
                          call.begins_gradient ? T(0) : call.gradients[step_ + u]};
      call.gradients[u] = before[0] + static_cast<T>(product * inverse_sigma);
      call.gradients[step_ + u] = before[1] + static_cast<T>(sum);
      of_dy[u] = static_cast<T>(scale);
      of_x[u] = constant[u] = 0;
      if (uses_running_moments(total)) continue;  // the running moments do not depend on x
      const double freedom = static_cast<double>(total - ddof_);
      of_x[u] = static_cast<T>(-scale * inverse_sigma * inverse_sigma * product / freedom);
      constant[u] = static_cast<T>(-scale * sum / static_cast<double>(total));
    }
  }

  void freeze(bool frozen) override { frozen_ = frozen; }

  void backward(const Call<T>& call) const override {
    if (!call.dx[0].data) return;
    const T* of_dy = blend(call);
    for_parts(call, [&](Size first, Size count) {
      call.kernels->blend_columns(pixels(as_const(call.dy), first, count), pixels(call.inputs[0], first, count),
                                  mean(call), of_dy, of_dy + step_, of_dy + 2 * step_,
                                  pixels(call.dx[0], first, count));
    });
  }

 private:
  const T* beta(const Call<T>& call) const { return call.parameters + step_; }

  // What the blocks of a batch share: moments for both ways, then the factors of the way back.
  T* mean(const Call<T>& call) const { return call.batch_sums; }
  T* factor(const Call<T>& call) const { return call.batch_sums + step_; }
  T* inverse_deviation(const Call<T>& call) const { return call.batch_sums + 2 * step_; }
  T* blend(const Call<T>& call) const { return call.batch_sums + 3 * step_; }

  // body(first, count) for the samples of a block: flat ones at once, maps in parts of as many pixels as sum up in T
  // without loss.
  template <class Body> void for_parts(const Call<T>& call, Body body) const {
    const bool side_by_side = call.inputs[0].stride == pixels_ * units_;  // not always where the user has them
    const Size samples = side_by_side ? std::max<Size>(most_pixels / pixels_, 1) : 1;
    const Size at_once = pixels_ == 1 ? call.rows : samples;
    for (Size first = 0; first < call.rows; first += at_once) body(first, std::min(at_once, call.rows - first));
  }
  // The pixels of some samples as rows.
  template <class Number> Matrix<Number> pixels(Matrix<Number> x, Size first, Size count) const {
    if (pixels_ == 1) return {x.data + first * x.stride, count, units_, x.stride};
    return {x.data + first * x.stride, count * pixels_, units_, units_};
  }

  void add_moments(const Call<T>& call, Matrix<const T> part, double rows, T* sums) const {
    T *other_mean = sums + 2 * step_, *other_deviation = sums + 3 * step_;
    call.kernels->column_moments(part, other_mean, other_deviation);
    const double n = static_cast<double>(part.rows), share = n / (rows + n);
    for (Size u = 0; u < units_; ++u) {
      const double difference = static_cast<double>(other_mean[u]) - static_cast<double>(sums[u]);
      sums[u] = static_cast<T>(static_cast<double>(sums[u]) + difference * share);
      sums[step_ + u] += other_deviation[u] + static_cast<T>(difference * difference * rows * share);
    }
  }

  void set_moments(const Call<T>& call, Size u, double center, double variance) const {
    // A variance that the type can't hold makes NaN, not the zeros of a division by infinity.
    const double inverse = 1 / std::sqrt(variance + epsilon_) + 0 * static_cast<T>(variance);
    mean(call)[u] = static_cast<T>(center);
    factor(call)[u] = static_cast<T>(call.parameters[u] * inverse);
    inverse_deviation(call)[u] = static_cast<T>(inverse);
  }
  void use_running_moments(const Call<T>& call) const {
    for (Size u = 0; u < units_; ++u) set_moments(call, u, call.state[u], call.state[step_ + u]);
  }
  bool uses_running_moments(Size rows) const { return frozen_ || rows < 2; }
  Size count(const BlockSums<T>& blocks) const {
    Size total = 0;
    for (Size b = 0; b < blocks.blocks; ++b) total += blocks.rows[b];
    return total * pixels_;
  }

  const double epsilon_;
  const double momentum_;
  const Size ddof_;
  bool frozen_ = false;
  Size units_ = 0;
  Size pixels_ = 1;  // of a sample, each with all units
  Size step_ = 0;    // from one vector of numbers per unit to the next
};

}  // namespace

template <class T> std::unique_ptr<Layer<T>> make_batch_norm(const Spec& spec) {
  return std::make_unique<BatchNorm<T>>(spec);
}

template std::unique_ptr<Layer<float>> make_batch_norm<float>(const Spec&);
template std::unique_ptr<Layer<double>> make_batch_norm<double>(const Spec&);

}  // namespace multicapa
