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
    Size width = 0;
    for (const Shape& shape : inputs) {
      if (shape.size() != 1)
        spec_.fail("joins flat samples, not samples of shape " + to_string(shape) + "; put a Flatten before it");
      width += shape[0];
    }
    LayerPlan plan;
    plan.output = {width};
    plan.work_per_row = static_cast<double>(width);
    plan.backward_reads_input = false;
    return plan;
  }

  void forward(const Call<T>& call) const override {
    Matrix<T> part = call.output;
    for (const Matrix<const T>& x : call.inputs) {
      part.columns = x.columns;
      call.kernels->copy(x, part);
      part.data += x.columns;
    }
  }

  void backward(const Call<T>& call) const override {
    Matrix<const T> part = as_const(call.dy);
    for (std::size_t i = 0; i < call.dx.size(); ++i) {
      part.columns = call.inputs[i].columns;
      if (call.dx[i].data) call.kernels->copy(part, call.dx[i]);
      part.data += part.columns;
    }
  }

 private:
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
