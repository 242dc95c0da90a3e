// h = f(x W + h₀ U + b): recurrent on its output; with a dense layer behind it, Elman's network (1990).

#include "layers/recurrent/activated.hpp"
#include "layers/registry.hpp"

namespace multicapa {
namespace {

template <class T> class SimpleRnn final : public Activated<T> {
  using Base = Recurrent<T>;
  using typename Base::Frame, typename Base::Step;

 public:
  explicit SimpleRnn(const Spec& spec) : Activated<T>(spec, cell(spec)) {}

 private:
  static typename Base::Cell cell(const Spec& spec) {
    typename Base::Cell cell;
    cell.ranges = {{0, spec.integer("units")}};
    return cell;
  }

  void step(const Frame& f, const Step& s, Matrix<T> hidden) const override {
    this->sum_all(f, s);
    this->activate(f, s, hidden);
  }

  void step_back(const Frame& f, const Step& s, Matrix<const T> hidden, bool passes) const override {
    this->activate_back(f, s, hidden);
    if (passes) this->pass_all_back(f, s);
  }
};

}  // namespace

template <class T> std::unique_ptr<Layer<T>> make_simple_rnn(const Spec& spec) {
  return std::make_unique<SimpleRnn<T>>(spec);
}

template std::unique_ptr<Layer<float>> make_simple_rnn<float>(const Spec&);
template std::unique_ptr<Layer<double>> make_simple_rnn<double>(const Spec&);

}  // namespace multicapa
