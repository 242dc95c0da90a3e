// z = x W + b;  ∇W = xᵗ dz, ∇b = Σ rows of dz, dx = dz Wᵗ. Of sequences (time, features) each step is a row.

#include "layers/affine.hpp"
#include "layers/registry.hpp"
#include "layers/steps.hpp"

namespace multicapa {
namespace {

template <class T> class Dense final : public Layer<T> {
 public:
  explicit Dense(const Spec& spec)
      : units_(spec.integer("units")), affine_(units_, spec.flag("bias", true)), spec_(spec) {
    if (units_ < 1) spec.fail("units should be at least 1, not " + std::to_string(units_));
  }

  LayerPlan plan(const std::vector<Shape>& inputs) override {
    LayerPlan plan;
    affine_.plan(plan, spec_, inputs, units_, 2);
    in_ = inputs[0].back(), time_ = inputs[0].size() == 2 ? inputs[0][0] : 0;
    plan.output = time_ ? Shape{time_, units_} : Shape{units_};
    plan.either_arrangement = true;
    plan.stepwise = time_ > 0;
    return plan;
  }

  void forward(const Call<T>& call) const override {
    if (!time_) return affine_.forward(call, call.output);
    const Steps<T> steps(call, time_);
    for (Size p = 0; p < steps.pieces(); ++p) {
      const Matrix<const T> x = steps.of(call.inputs[0], p, in_);
      const Matrix<T> z = steps.of(call.output, p, units_);
      if (call.training) affine_.forward(call, x, z);
      else affine_.forward_in_order(call, x, z);
    }
  }

  void backward(const Call<T>& call) const override {
    if (!time_) return affine_.backward(call, as_const(call.dy));
    const Steps<T> steps(call, time_);
    if (steps.pieces() == 0) return affine_.backward(call, {}, {}, {}, 0, call.accumulate);
    for (Size p = 0; p < steps.pieces(); ++p)
      affine_.backward(call, steps.of(call.inputs[0], p, in_), steps.of(as_const(call.dy), p, units_),
                       steps.of(call.dx[0], p, in_), steps.samples(p), call.accumulate || p > 0);
  }

  void gradient(const Call<T>& call, Size parameter, Size first, Size count, T* out) const override {
    if (!time_) return affine_.gradient(call, call.inputs[0], as_const(call.dy), parameter, first, count, out);
    const Steps<T> steps(call, time_);
    for (Size p = 0; p < steps.pieces(); ++p)
      affine_.gradient(call, steps.of(call.inputs[0], p, in_), steps.of(as_const(call.dy), p, units_), parameter, first,
                       count, out, p > 0);
  }
  OuterProduct<T> gradient_factors(const Call<T>& call, Size parameter) const override {
    if (time_) return {};
    return affine_.gradient_factors(call, as_const(call.dy), parameter);
  }
  void derive(const KernelTable<T>& kernels, const T* parameters, T* derived, Size parameter, Size first,
              Size count) const override {
    affine_.derive(kernels, parameters, derived, parameter, first, count);
  }

 private:
  const Size units_;
  Affine<T> affine_;
  const Spec spec_;
  Size in_ = 0, time_ = 0;
};

}  // namespace

template <class T> std::unique_ptr<Layer<T>> make_dense(const Spec& spec) { return std::make_unique<Dense<T>>(spec); }

template std::unique_ptr<Layer<float>> make_dense<float>(const Spec&);
template std::unique_ptr<Layer<double>> make_dense<double>(const Spec&);

}  // namespace multicapa
