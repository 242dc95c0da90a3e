// z, r = σ(x W + h₀ U + b) and h = z ∘ h₀ + (1 − z) ∘ a with the candidate
//   reset_after: a = tanh(x W + b + r ∘ (h₀ U + b′)), one product per step, as cuDNN has it;
//   else:        a = tanh(x W + b + (r ∘ h₀) U) (Cho et al. 2014).
// The gates stand side by side as z r a. With reset_after, b′ is added in z and r too.

#include "layers/recurrent/recurrent.hpp"
#include "layers/registry.hpp"

namespace multicapa {
namespace {

template <class T> class Gru final : public Recurrent<T> {
  using Base = Recurrent<T>;
  using typename Base::Frame, typename Base::Step;

 public:
  explicit Gru(const Spec& spec)
      : Base(spec, cell(spec)),
        reset_after_(spec.flag("reset_after", true)),
        both_{0, 2 * this->units_},
        candidate_{2 * this->units_, this->units_} {}

 private:
  static typename Base::Cell cell(const Spec& spec) {
    const Size units = spec.integer("units");
    typename Base::Cell cell;
    cell.gates = 3, cell.slots = 4;
    if (spec.flag("reset_after", true)) cell.recurrent_biases = 3;
    cell.ranges = {{0, 2 * units}, {2 * units, units}};
    return cell;
  }

  Size products() const override { return this->units_; }

  const T* bias_of(const Frame& f, typename Base::Parameter p, Size gate) const {
    return this->has_bias() ? this->parameter(f, p) + gate * this->units_ : nullptr;
  }
  void slots(const Frame& f, const Step& s, Matrix<T>* out) const {
    for (Size gate = 0; gate < 4; ++gate) out[gate] = this->slot(f, s, gate);
  }

  void step(const Frame& f, const Step& s, Matrix<T> hidden) const override {
    const RecurrentKernels<T>& kernels = *f.call.kernels->recurrent;
    Matrix<T> parts[4];
    slots(f, s, parts);
    const Matrix<T> sums = this->slot(f, s, 0, 2);
    this->multiply(f, both_, s.x, s.recalled, bias_of(f, Base::bias, 0), sums);
    if (reset_after_ && this->has_bias()) add_bias(f, sums, bias_of(f, Base::recurrent_bias, 0));
    kernels.gru_gates(parts, s.recalled, reset_after_);
    if (reset_after_) {
      this->multiply(f, candidate_, s.x, {}, bias_of(f, Base::bias, 2), parts[2]);
      this->multiply(f, candidate_, {}, s.recalled, bias_of(f, Base::recurrent_bias, 2), parts[3]);
    } else {
      this->multiply(f, candidate_, s.x, s.previous.data ? as_const(parts[3]) : Matrix<const T>{},
                     bias_of(f, Base::bias, 2), parts[2]);
    }
    kernels.gru_forward(parts, s.previous, reset_after_, hidden);
  }

  void add_bias(const Frame& f, Matrix<T> sums, const T* added) const {
    if (f.call.arrangement == Arrangement::samples_as_rows) {
      for (Size r = 0; r < sums.rows; ++r)
        f.call.kernels->add({added, 1, sums.columns, sums.columns},
                            {sums.data + r * sums.stride, 1, sums.columns, sums.columns});
      return;
    }
    for (Size u = 0; u < sums.rows; ++u)
      for (Size s = 0; s < sums.columns; ++s) sums.data[u * sums.stride + s] += added[u];
  }

  // The delta of r ∘ h₀ takes no slot: rᵗ stays in its place, since the gradient of the candidate's weights wants it.
  void step_back(const Frame& f, const Step& s, Matrix<const T>, bool passes) const override {
    const RecurrentKernels<T>& kernels = *f.call.kernels->recurrent;
    Matrix<T> parts[4];
    slots(f, s, parts);
    const Matrix<T> dh = f.dh.at(0, s.lanes, 0, this->units_);
    kernels.gru_backward(parts, s.previous, reset_after_, dh);
    if (!reset_after_) {
      const Matrix<T> dproduct = f.products.at(0, s.lanes, 0, this->units_);
      this->multiply_back(f, Base::recurrent_weight, {candidate_, as_const(parts[2])}, {}, dproduct, false);
      f.state_mask.apply(f.call, dproduct);
      kernels.gru_backward_reset(parts, s.previous, as_const(dproduct), dh);
    }
    if (!passes) return;
    const typename Base::Term both{both_, as_const(this->slot(f, s, 0, 2))}, after{candidate_, as_const(parts[3])};
    const typename Base::Term candidate = reset_after_ ? after : typename Base::Term{};
    if (!f.state_mask.factors.data) return this->multiply_back(f, Base::recurrent_weight, both, candidate, dh, true);
    const Matrix<T> recalled = f.products.at(0, s.lanes, 0, this->units_);
    this->multiply_back(f, Base::recurrent_weight, both, candidate, recalled, false);
    f.state_mask.apply(f.call, recalled);
    f.call.kernels->add(as_const(recalled), dh);
  }

  void add_gradients(const Frame& f, Matrix<const T> deltas, Matrix<const T> x, Matrix<const T> previous,
                     bool accumulate) const override {
    const Size units = this->units_;
    const auto part = [&](Size first, Size count) {
      return Matrix<const T>{deltas.data + first * units, deltas.rows, count * units, deltas.stride};
    };
    this->add_product(f, Base::weight, x, part(0, 3), 0, accumulate);
    this->add_product(f, Base::recurrent_weight, previous, part(0, 2), 0, accumulate);
    if (reset_after_) this->add_product(f, Base::recurrent_weight, previous, part(3, 1), 2 * units, accumulate);
    else this->add_product(f, Base::recurrent_weight, part(3, 1), part(2, 1), 2 * units, accumulate);
    if (!this->has_bias()) return;
    this->add_sum(f, Base::bias, part(0, 3), accumulate);
    if (!reset_after_) return;
    this->add_sum(f, Base::recurrent_bias, part(0, 2), accumulate);
    f.call.kernels->column_sum(part(3, 1), f.call.gradients + this->offset_[Base::recurrent_bias] + 2 * units,
                               accumulate);
  }

  const bool reset_after_;
  const GateRange both_, candidate_;
};

}  // namespace

template <class T> std::unique_ptr<Layer<T>> make_gru(const Spec& spec) { return std::make_unique<Gru<T>>(spec); }

template std::unique_ptr<Layer<float>> make_gru<float>(const Spec&);
template std::unique_ptr<Layer<double>> make_gru<double>(const Spec&);

}  // namespace multicapa
