// y = max over j of x W_j + b_j (Goodfellow et al. 2013): each unit is the largest of its linear pieces. The pieces of
// unit u are the columns u k … u k + k − 1 of W, (in, units · k).

#include "layers/affine.hpp"
#include "layers/registry.hpp"

namespace multicapa {
namespace {

template <class T> class Maxout final : public Layer<T> {
 public:
  explicit Maxout(const Spec& spec)
      : units_(spec.integer("units")),
        pieces_(spec.integer("pieces", 2)),
        affine_(elements({units_, pieces_}), true),
        spec_(spec) {
    if (units_ < 1) spec.fail("units should be at least 1, not " + std::to_string(units_));
    if (pieces_ < 1) spec.fail("pieces should be at least 1, not " + std::to_string(pieces_));
  }

  LayerPlan plan(const std::vector<Shape>& inputs) override {
    LayerPlan plan;
    plan.output = {units_};
    affine_.plan(plan, spec_, inputs, units_);
    plan.kept_per_row = units_ * pieces_;
    return plan;
  }

  void forward(const Call<T>& call) const override {
    affine_.forward(call, pieces(call));
    call.kernels->largest_piece(as_const(pieces(call)), pieces_, call.output);
  }
  void backward(const Call<T>& call) const override {
    call.kernels->largest_piece_backward(pieces(call), pieces_, as_const(call.dy));
    affine_.backward(call, as_const(pieces(call)));
  }

  void gradient(const Call<T>& call, Size parameter, Size first, Size count, T* out) const override {
    affine_.gradient(call, call.inputs[0], as_const(pieces(call)), parameter, first, count, out);
  }
  OuterProduct<T> gradient_factors(const Call<T>& call, Size parameter) const override {
    return affine_.gradient_factors(call, as_const(pieces(call)), parameter);
  }
  void derive(const KernelTable<T>& kernels, const T* parameters, T* derived, Size parameter, Size first,
              Size count) const override {
    affine_.derive(kernels, parameters, derived, parameter, first, count);
  }

 private:
  // Forward their values, after backward their gradients.
  Matrix<T> pieces(const Call<T>& call) const { return {call.kept, call.rows, units_ * pieces_, units_ * pieces_}; }

  const Size units_;
  const Size pieces_;
  Affine<T> affine_;
  const Spec spec_;
};

}  // namespace

template <class T> std::unique_ptr<Layer<T>> make_maxout(const Spec& spec) { return std::make_unique<Maxout<T>>(spec); }

template std::unique_ptr<Layer<float>> make_maxout<float>(const Spec&);
template std::unique_ptr<Layer<double>> make_maxout<double>(const Spec&);

}  // namespace multicapa
