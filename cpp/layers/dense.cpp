// z = x W + b;  ∇W = xᵗ dz, ∇b = Σ rows of dz, dx = dz Wᵗ.

#include "layers/affine.hpp"
#include "layers/registry.hpp"

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
    plan.output = {units_};
    affine_.plan(plan, spec_, inputs, units_);
    plan.either_arrangement = true;
    return plan;
  }

  void forward(const Call<T>& call) const override { affine_.forward(call, call.output); }
  void backward(const Call<T>& call) const override { affine_.backward(call, as_const(call.dy)); }

  void gradient(const Call<T>& call, Size parameter, Size first, Size count, T* out) const override {
    affine_.gradient(call, as_const(call.dy), parameter, first, count, out);
  }
  OuterProduct<T> gradient_factors(const Call<T>& call, Size parameter) const override {
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
};

}  // namespace

template <class T> std::unique_ptr<Layer<T>> make_dense(const Spec& spec) { return std::make_unique<Dense<T>>(spec); }

template std::unique_ptr<Layer<float>> make_dense<float>(const Spec&);
template std::unique_ptr<Layer<double>> make_dense<double>(const Spec&);

}  // namespace multicapa
