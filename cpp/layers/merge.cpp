// Where branches of the graph join: add (residual connections) and concat (skips, side by side).

#include "layers/registry.hpp"
#include "layers/steps.hpp"

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
    plan.either_arrangement = plan.stepwise = true;
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
    time_ = time_of(inputs[0]);
    for (const Shape& shape : inputs) {
      if (shape.size() > 2)
        spec_.fail("joins flat samples or sequences, not samples of shape " + to_string(shape) +
                   "; put a Flatten before it");
      if (shape.size() != inputs[0].size() || time_of(shape) != time_)
        spec_.fail("joins flat samples, or sequences of one length, not samples of shape " + to_string(inputs[0]) +
                   " and " + to_string(shape));
      features_.push_back(shape.back()), width_ += shape.back();
    }
    LayerPlan plan;
    plan.output = inputs[0];
    plan.output.back() = width_;
    plan.work_per_row = static_cast<double>(elements(plan.output));
    plan.backward_reads_input = false;
    plan.either_arrangement = plan.stepwise = true;
    return plan;
  }

  void forward(const Call<T>& call) const override {
    for_parts(call, call.output, [&](std::size_t i, const Steps<T>& steps, Size p, Matrix<T> part) {
      call.kernels->copy(steps.of(call.inputs[i], p, features_[i]), part);
    });
  }

  void backward(const Call<T>& call) const override {
    for_parts(call, call.dy, [&](std::size_t i, const Steps<T>& steps, Size p, Matrix<T> part) {
      if (call.dx[i].data) call.kernels->copy(as_const(part), steps.of(call.dx[i], p, features_[i]));
    });
  }

 private:
  // The part of each input in every step of the whole.
  template <class Body> void for_parts(const Call<T>& call, Matrix<T> all, Body body) const {
    const Steps<T> steps(call, time_);
    for (Size p = 0; p < steps.pieces(); ++p) {
      Matrix<T> part = steps.of(all, p, width_);
      for (std::size_t i = 0; i < features_.size(); ++i) {
        const bool columns = call.arrangement == Arrangement::samples_as_columns;
        (columns ? part.rows : part.columns) = features_[i];
        body(i, steps, p, part);
        part.data += features_[i] * (columns ? part.stride : 1);
      }
    }
  }

  Size time_ = 1, width_ = 0;
  std::vector<Size> features_;
  const Spec spec_;
};

}  // namespace

template <class T> std::unique_ptr<Layer<T>> make_add(const Spec& spec) { return std::make_unique<Add<T>>(spec); }
template <class T> std::unique_ptr<Layer<T>> make_concat(const Spec& spec) { return std::make_unique<Concat<T>>(spec); }

template std::unique_ptr<Layer<float>> make_add<float>(const Spec&);
template std::unique_ptr<Layer<double>> make_add<double>(const Spec&);
template std::unique_ptr<Layer<float>> make_concat<float>(const Spec&);
template std::unique_ptr<Layer<double>> make_concat<double>(const Spec&);

}  // namespace multicapa
