// y_t = x_t + p_t with p_t = (sin ω₀t, cos ω₀t, sin ω₁t, cos ω₁t, …), ω_i = 10000^(−2i/features) (Vaswani et al. 2017).

#include <algorithm>
#include <cmath>
#include <exception>
#include <mutex>

#include "layers/registry.hpp"
#include "layers/steps.hpp"

namespace multicapa {
namespace {

template <class T> class PositionalEncoding final : public Layer<T> {
 public:
  explicit PositionalEncoding(const Spec& spec) : spec_(spec) {}

  LayerPlan plan(const std::vector<Shape>& inputs) override {
    if (inputs.size() != 1 || inputs[0].size() != 2)
      spec_.fail("reads sequences of shape (time, features), not samples of shape " + to_string(inputs.at(0)));
    time_ = inputs[0][0], features_ = inputs[0][1];
    LayerPlan plan;
    plan.output = inputs[0];
    plan.carried = 1;  // how many steps there have been
    plan.work_per_row = static_cast<double>(elements(inputs[0]));
    plan.backward_reads_input = false;
    plan.may_work_in_place = plan.either_arrangement = plan.stepwise = true;
    return plan;
  }

  void forward(const Call<T>& call) const override {
    call.kernels->copy(call.inputs[0], call.output);
    const Matrix<T> y = call.output;
    if (call.carried) return advance(call);
    std::call_once(once_, [this] { tabulate(); });
    if (call.arrangement == Arrangement::samples_as_columns) {
      for (Size i = 0; i < y.rows; ++i) {
        const T wave = tabulated(i);
        for (Size s = 0; s < y.columns; ++s) y.data[i * y.stride + s] += wave;
      }
      return;
    }
    for (Size r = 0; r < y.rows; ++r) {
      const Size count = call.lengths ? call.lengths[r] * features_ : y.columns;
      T* row = y.data + r * y.stride;
      if (!table_.empty()) call.kernels->add({table_.data(), 1, count, count}, {row, 1, count, count});
      else
        for (Size i = 0; i < count; ++i) row[i] += tabulated(i);
    }
  }

  void backward(const Call<T>& call) const override {
    if (call.dx[0].data && call.dx[0].data != call.dy.data) call.kernels->copy(as_const(call.dy), call.dx[0]);
  }

  void start(T* carried) const override { *carried = T(0); }

 private:
  T encoding(Size t, Size f) const {
    const double exponent = static_cast<double>(f / 2 * 2) / static_cast<double>(features_);
    const double angle = static_cast<double>(t) / std::pow(10000.0, exponent);
    return static_cast<T>(f % 2 == 0 ? std::sin(angle) : std::cos(angle));
  }

  // Not before the first pass, whose rows have as many numbers: a file of a few bytes may speak of any number of steps.
  // Nothing throws within a task, so without memory there is no table.
  void tabulate() const {
    try {
      table_.resize(static_cast<std::size_t>(time_ * features_));
    } catch (const std::exception&) {
      return;
    }
    for (Size t = 0; t < time_; ++t)
      for (Size f = 0; f < features_; ++f) table_[static_cast<std::size_t>(t * features_ + f)] = encoding(t, f);
  }

  T tabulated(Size i) const {
    return table_.empty() ? encoding(i / features_, i % features_) : table_[static_cast<std::size_t>(i)];
  }

  // The next steps of sequences of which a stream has seen some.
  void advance(const Call<T>& call) const {
    for (Size r = 0; r < call.rows; ++r) {
      const Size seen = static_cast<Size>(call.carried[r]);
      for (Size i = 0; i < call.output.columns; ++i)
        call.output.data[r * call.output.stride + i] += encoding(seen + i / features_, i % features_);
      call.carried[r] += static_cast<T>(call.output.columns / features_);
    }
  }

  const Spec spec_;
  Size time_ = 0, features_ = 0;
  mutable std::once_flag once_;
  mutable std::vector<T> table_;
};

}  // namespace

template <class T> std::unique_ptr<Layer<T>> make_positional_encoding(const Spec& spec) {
  return std::make_unique<PositionalEncoding<T>>(spec);
}

template std::unique_ptr<Layer<float>> make_positional_encoding<float>(const Spec&);
template std::unique_ptr<Layer<double>> make_positional_encoding<double>(const Spec&);

}  // namespace multicapa
