// h_i = f(Σ_jk W_jki h₀_j x_k + b_i): a state from products of the state before and the inputs (Giles et al. 1992),
// who start it at (1, 0, …, 0), since from zero the first input would have no effect.

#include "layers/recurrent/activated.hpp"
#include "layers/registry.hpp"

namespace multicapa {
namespace {

template <class T> class SecondOrderRnn final : public Activated<T> {
  using Base = Recurrent<T>;
  using typename Base::Frame, typename Base::Step;

 public:
  explicit SecondOrderRnn(const Spec& spec) : Activated<T>(spec, cell()) {}

 private:
  static typename Base::Cell cell() {
    typename Base::Cell cell;
    cell.packs = false;
    return cell;
  }
  bool starts_with_one() const override { return true; }
  Size products() const override { return this->features_; }
  Shape weight_shape() const override { return {this->units_, this->features_, this->units_}; }
  Shape recurrent_shape() const override { return {0}; }

  // Row or column j of the state before, for every unit's products.
  static Matrix<const T> unit(const Frame& f, Matrix<const T> m, Size j) {
    if (f.call.arrangement == Arrangement::samples_as_columns) return {m.data + j * m.stride, 1, m.columns, m.stride};
    return {m.data + j, m.rows, 1, m.stride};
  }

  // y (+)= x ∘ h_j for all numbers of a step, where h_j is one number per sample.
  static void scale(const Frame& f, Matrix<const T> x, Matrix<const T> h, Matrix<T> y, bool accumulate) {
    const bool columns = f.call.arrangement == Arrangement::samples_as_columns;
    for (Size r = 0; r < x.rows; ++r)
      for (Size c = 0; c < x.columns; ++c) {
        const T product = x.data[r * x.stride + c] * h.data[columns ? c : r * h.stride];
        T& out = y.data[r * y.stride + c];
        out = accumulate ? out + product : product;
      }
  }

  // z = bias + Σ_j (h_j ∘ x)·W_j
  void step(const Frame& f, const Step& s, Matrix<T> hidden) const override {
    const KernelTable<T>& k = *f.call.kernels;
    const Size units = this->units_, features = this->features_;
    const Matrix<T> z = this->slot(f, s, 0), product = f.products.at(0, s.lanes, 0, features);
    const T* b = this->has_bias() ? this->parameter(f, Base::bias) : nullptr;
    for (Size j = 0; j < units; ++j) {
      const T* w = this->parameter(f, Base::weight) + j * features * units;
      scale(f, s.x, unit(f, s.recalled, j), product, false);
      if (f.call.arrangement == Arrangement::samples_as_columns)
        k.gemm({units, s.lanes, features}, w, 1, units, product.data, product.stride, {nullptr, b}, z.data, z.stride,
               j > 0);
      else
        k.gemm({s.lanes, units, features}, product.data, product.stride, 1, w, units, {b, nullptr}, z.data, z.stride,
               j > 0);
    }
    this->activate(f, s, hidden);
  }

  // With P_j = W_j dz: dx = Σ_j h_j ∘ P_j, and the delta of h_j is the sum of x ∘ P_j over the features.
  void step_back(const Frame& f, const Step& s, Matrix<const T> hidden, bool passes) const override {
    const KernelTable<T>& k = *f.call.kernels;
    const Size units = this->units_, features = this->features_;
    const bool columns = f.call.arrangement == Arrangement::samples_as_columns;
    this->activate_back(f, s, hidden);
    const Matrix<const T> dz = as_const(this->slot(f, s, 0));
    const Matrix<T> product = f.products.at(0, s.lanes, 0, features), dh = f.dh.at(0, s.lanes, 0, units);
    const Matrix<T> dx = f.dx.data ? f.dx.at(s.t, s.lanes, 0, features) : Matrix<T>{};
    if (!dx.data && !passes) return;
    for (Size j = 0; j < units; ++j) {
      const Matrix<const T> w{this->parameter(f, Base::weight) + j * features * units, features, units, units};
      if (columns) {
        k.gemm({features, s.lanes, units}, w.data, units, 1, dz.data, dz.stride, {}, product.data, product.stride,
               false);
      } else {
        k.transpose(w, this->room_for_weights(f), features);
        k.gemm({s.lanes, features, units}, dz.data, dz.stride, 1, this->room_for_weights(f), features, {}, product.data,
               product.stride, false);
      }
      if (dx.data) scale(f, as_const(product), unit(f, s.recalled, j), dx, j > 0);
      if (!passes) continue;
      for (Size sample = 0; sample < s.lanes; ++sample) {
        T sum = 0;
        for (Size i = 0; i < features; ++i)
          sum += columns ? product.data[i * product.stride + sample] * s.x.data[i * s.x.stride + sample]
                         : product.data[sample * product.stride + i] * s.x.data[sample * s.x.stride + i];
        dh.data[columns ? j * dh.stride + sample : sample * dh.stride + j] = sum;
      }
    }
    if (passes) f.state_mask.apply(f.call, dh);
  }

  void add_gradients(const Frame& f, Matrix<const T> deltas, Matrix<const T> x, Matrix<const T> previous,
                     bool accumulate) const override {
    const Size units = this->units_, features = this->features_;
    Matrix<T> product{this->room_for_inputs(f), x.rows, features, x.stride};
    for (Size j = 0; j < units; ++j) {
      for (Size r = 0; r < x.rows; ++r)
        for (Size i = 0; i < features; ++i)
          product.data[r * product.stride + i] = x.data[r * x.stride + i] * previous.data[r * previous.stride + j];
      f.call.kernels->gemm({features, units, x.rows}, product.data, 1, product.stride, deltas.data, deltas.stride, {},
                           f.call.gradients + this->offset_[Base::weight] + j * features * units, units, accumulate);
    }
    if (this->has_bias()) this->add_sum(f, Base::bias, deltas, accumulate);
  }
};

}  // namespace

template <class T> std::unique_ptr<Layer<T>> make_second_order_rnn(const Spec& spec) {
  return std::make_unique<SecondOrderRnn<T>>(spec);
}

template std::unique_ptr<Layer<float>> make_second_order_rnn<float>(const Spec&);
template std::unique_ptr<Layer<double>> make_second_order_rnn<double>(const Spec&);

}  // namespace multicapa
