// y = W[token]: a row of W for each token of a sample, which are whole numbers from 0 on; ∇W = Σ of dy at its rows.

#include <algorithm>

#include "layers/registry.hpp"

namespace multicapa {
namespace {

template <class T> class Embedding final : public Layer<T> {
 public:
  explicit Embedding(const Spec& spec)
      : tokens_(spec.integer("input_dim")), units_(spec.integer("output_dim")), spec_(spec) {
    if (tokens_ < 1 || units_ < 1) spec.fail("input_dim and output_dim should be at least 1");
  }

  LayerPlan plan(const std::vector<Shape>& inputs) override {
    if (inputs.size() != 1 || inputs[0].size() != 1)
      spec_.fail("reads tokens of shape (time,), not samples of shape " + to_string(inputs.at(0)));
    time_ = inputs[0][0];
    LayerPlan plan;
    plan.output = {time_, units_};
    plan.parameters.push_back({"weight", {tokens_, units_}, tokens_, units_, true});
    plan.work_per_row = static_cast<double>(time_ * units_);
    plan.either_arrangement = plan.stepwise = true;
    return plan;
  }

  void forward(const Call<T>& call) const override {
    for_tokens(call, [&](Size token, T*, Size place, Size step) {
      const T* row = call.parameters + token * units_;
      for (Size u = 0; u < units_; ++u) call.output.data[place + u * step] = row[u];
    });
  }

  void backward(const Call<T>& call) const override {
    if (!call.accumulate) std::fill_n(call.gradients, tokens_ * units_, T(0));
    for_tokens(call, [&](Size token, T* dx, Size place, Size step) {
      T* row = call.gradients + token * units_;
      for (Size u = 0; u < units_; ++u) row[u] += call.dy.data[place + u * step];
      if (dx) *dx = T(0);
    });
  }

 private:
  // body(token, its dx, place of its first number in the output, distance of these) for all that exist.
  template <class Body> void for_tokens(const Call<T>& call, Body body) const {
    const bool columns = call.arrangement == Arrangement::samples_as_columns;
    const Matrix<const T> x = call.inputs[0];
    const Matrix<T> dx = call.dx[0];
    for (Size r = 0; r < call.rows; ++r)
      for (Size t = 0; t < (call.lengths ? call.lengths[r] : time_); ++t) {
        const T given = x.data[columns ? t * x.stride + r : r * x.stride + t];
        const Size token = given > T(0) ? std::min(static_cast<Size>(given), tokens_ - 1) : 0;
        const Size place = columns ? t * units_ * call.output.stride + r : r * call.output.stride + t * units_;
        T* const d = !dx.data ? nullptr : dx.data + (columns ? t * dx.stride + r : r * dx.stride + t);
        body(token, d, place, columns ? call.output.stride : 1);
      }
  }

  const Size tokens_, units_;
  const Spec spec_;
  Size time_ = 0;
};

}  // namespace

template <class T> std::unique_ptr<Layer<T>> make_embedding(const Spec& spec) {
  return std::make_unique<Embedding<T>>(spec);
}

template std::unique_ptr<Layer<float>> make_embedding<float>(const Spec&);
template std::unique_ptr<Layer<double>> make_embedding<double>(const Spec&);

}  // namespace multicapa
