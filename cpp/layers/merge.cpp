// Where branches of the graph join: add (residual connections) and concat (skips, side by side).

#include "layers/registry.hpp"

namespace multicapa {
namespace {

void check_at_least_two(const Spec& spec, const std::vector<Shape>& inputs) {
  if (inputs.size() < 2) spec.fail("joins two or more inputs, not " + std::to_string(inputs.size()));
}

template <class T> class Add final : public Layer<T> {
 public:
  explicit Add(const Spec& spec) : spec_(spec) {}

  LayerPlan plan(const std::vector<Shape>& inputs) override {
    check_at_least_two(spec_, inputs);
    for (const Shape& shape : inputs)
      if (shape != inputs[0])
        spec_.fail("adds samples of one shape, not " + to_string(inputs[0]) + " and " + to_string(shape) +
                   "; project one with a Dense layer first");
    LayerPlan plan;
    plan.output = inputs[0];
    plan.work_per_row = static_cast<double>(elements(inputs[0]) * static_cast<Size>(inputs.size()));
    plan.backward_reads_input = false;
    plan.either_arrangement = true;
    return plan;
  }

  void forward(const Call<T>& call) const override {
    call.kernels->copy(call.inputs[0], call.output);
    for (std::size_t i = 1; i < call.inputs.size(); ++i) call.kernels->add(call.inputs[i], call.output);
  }

  void backward(const Call<T>& call) const override {
    for (const Matrix<T>& dx : call.dx)
      if (dx.data) call.kernels->copy(as_const(call.dy), dx);
  }

 private:
  const Spec spec_;
};

template <class T> class Concat final : public Layer<T> {
 public:
  explicit Concat(const Spec& spec) : spec_(spec) {}

  LayerPlan plan(const std::vector<Shape>& inputs) override {
    check_at_least_two(spec_, inputs);
    LayerPlan plan;
    plan.output = inputs[0];
    plan.output.back() = 0;
    for (const Shape& shape : inputs) {
      Shape others = shape, expected = inputs[0];
      others.back() = expected.back() = 0;
      if (others != expected)
        spec_.fail("joins samples along their last axis, and the others should be the same: not " +
                   to_string(inputs[0]) + " and " + to_string(shape) + "; put a Flatten before it");
      plan.output.back() += shape.back();
      channels_.push_back(shape.back());
    }
    pixels_ = elements(plan.output) / plan.output.back();
    plan.work_per_row = static_cast<double>(elements(plan.output));
    plan.backward_reads_input = false;
    plan.either_arrangement = plan.output.size() > 1;
    return plan;
  }

  void forward(const Call<T>& call) const override {
    Size before = 0;
    for (std::size_t i = 0; i < channels_.size(); ++i) {
      for_maps(call, call.inputs[i], call.output, before, channels_[i],
               [&](Matrix<const T> x, Matrix<T> part) { call.kernels->copy(x, part); });
      before += channels_[i];
    }
  }

  void backward(const Call<T>& call) const override {
    Size before = 0;
    for (std::size_t i = 0; i < channels_.size(); ++i) {
      if (call.dx[i].data)
        for_maps(call, call.dx[i], call.dy, before, channels_[i],
                 [&](Matrix<T> dx, Matrix<T> part) { call.kernels->copy(as_const(part), dx); });
      before += channels_[i];
    }
  }

 private:
  // body(own, part) for the map of each sample, or for flat samples at once: an input's pixels × channels, and its
  // place in those of all. With samples as columns the samples of a channel are channels of one large map.
  template <class Own, class Body>
  void for_maps(const Call<T>& call, Matrix<Own> own, Matrix<T> all, Size before, Size channels, Body body) const {
    const bool as_rows = call.arrangement == Arrangement::samples_as_rows;
    const Size unit = as_rows ? 1 : all.columns, total = unit * (as_rows ? all.columns : all.rows) / pixels_;
    const Size width = channels * unit, offset = before * unit;
    if (pixels_ == 1 && as_rows) return body(own, {all.data + offset, all.rows, width, all.stride});
    for (Size n = 0; n < (as_rows ? all.rows : 1); ++n)
      body({own.data + n * own.stride, pixels_, width, width},
           {all.data + n * all.stride + offset, pixels_, width, total});
  }

  const Spec spec_;
  std::vector<Size> channels_;  // of each input
  Size pixels_ = 1;
};

}  // namespace

template <class T> std::unique_ptr<Layer<T>> make_add(const Spec& spec) { return std::make_unique<Add<T>>(spec); }
template <class T> std::unique_ptr<Layer<T>> make_concat(const Spec& spec) { return std::make_unique<Concat<T>>(spec); }

template std::unique_ptr<Layer<float>> make_add<float>(const Spec&);
template std::unique_ptr<Layer<double>> make_add<double>(const Spec&);
template std::unique_ptr<Layer<float>> make_concat<float>(const Spec&);
template std::unique_ptr<Layer<double>> make_concat<double>(const Spec&);

}  // namespace multicapa
