// i, f, o = σ(x W + h₀ U + b) and g = tanh(x W + h₀ U + b), side by side as i f g o; c = f ∘ c₀ + i ∘ g, h = o ∘ tanh c
// (Hochreiter & Schmidhuber 1997; Gers, Schmidhuber & Cummins 2000).

#include "layers/recurrent/recurrent.hpp"
#include "layers/registry.hpp"

namespace multicapa {
namespace {

template <class T> class Lstm final : public Recurrent<T> {
  using Base = Recurrent<T>;
  using typename Base::Frame, typename Base::Step;

 public:
  explicit Lstm(const Spec& spec) : Base(spec, cell(spec)) {}

 private:
  static typename Base::Cell cell(const Spec& spec) {
    typename Base::Cell cell;
    cell.gates = cell.slots = 4;
    cell.has_cell = true;
    cell.ranges = {{0, 4 * spec.integer("units")}};
    return cell;
  }

  void gates(const Frame& f, const Step& s, Matrix<T>* out) const {
    for (Size gate = 0; gate < 4; ++gate) out[gate] = this->slot(f, s, gate);
  }
  Matrix<T> state(const Frame& f, const Step& s) const { return f.cell.at(s.t, s.lanes, 0, this->units_); }

  void step(const Frame& f, const Step& s, Matrix<T> hidden) const override {
    Matrix<T> parts[4];
    gates(f, s, parts);
    this->sum_all(f, s);
    f.call.kernels->recurrent->lstm_forward(parts, s.previous_cell, state(f, s), hidden);
  }

  void step_back(const Frame& f, const Step& s, Matrix<const T>, bool passes) const override {
    Matrix<T> parts[4];
    gates(f, s, parts);
    const Matrix<T> dh = f.dh.at(0, s.lanes, 0, this->units_), dcell = f.dcell.at(0, s.lanes, 0, this->units_);
    f.call.kernels->recurrent->lstm_backward(parts, s.previous_cell, as_const(state(f, s)), dcell, as_const(dh));
    if (passes) this->pass_all_back(f, s);
  }
};

}  // namespace

template <class T> std::unique_ptr<Layer<T>> make_lstm(const Spec& spec) { return std::make_unique<Lstm<T>>(spec); }

template std::unique_ptr<Layer<float>> make_lstm<float>(const Spec&);
template std::unique_ptr<Layer<double>> make_lstm<double>(const Spec&);

}  // namespace multicapa
