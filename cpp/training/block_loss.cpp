#include "training/block_loss.hpp"

#include <algorithm>

namespace multicapa {

template <class T>
BlockLoss<T>::BlockLoss(Size rows, Size outputs, Size steps, Arrangement arrangement)
    : arrangement_(arrangement),
      targets_(aligned<T>(rows) * outputs),
      weights_(aligned<T>(rows) * std::max<Size>(steps, 1)),
      costs_(aligned<T>(rows) * std::max<Size>(steps, 1)),
      noise_(arrangement == Arrangement::samples_as_rows ? rows * outputs : 0),
      steps_(steps),
      all_steps_(std::max<Size>(steps, 1)),
      lengths_(static_cast<std::size_t>(rows)) {}

template <class T> Matrix<T> BlockLoss<T>::targets() {
  if (arrangement_ == Arrangement::samples_as_rows) return {targets_.data(), rows_, outputs_, outputs_};
  return {targets_.data(), outputs_, aligned<T>(rows_), aligned<T>(rows_)};
}

template <class T>
void BlockLoss<T>::gather(const KernelTable<T>& kernels, const Samples<T>& samples, const Size* order, Size first,
                          Size rows, Size outputs) {
  rows_ = rows, outputs_ = outputs;
  const auto sample = [&](Size r) { return order ? order[first + r] : first + r; };
  const Rows& given = samples.targets;
  const bool as_rows = arrangement_ == Arrangement::samples_as_rows;
  has_lengths_ = steps_ > 0 && samples.lengths;
  for (Size r = 0; has_lengths_ && r < rows; ++r) lengths_[static_cast<std::size_t>(r)] = samples.lengths[sample(r)];
  if (samples.classes) set_classes(samples, order, first);
  else if (as_rows) kernels.gather(given.data, given.scalar, given.stride, order, first, targets());
  else kernels.gather_columns(given.data, given.scalar, given.stride, order, first, rows, targets());
  weighted_ = samples.weights != nullptr;
  for (Size r = 0; weighted_ && r < rows; ++r)
    for (Size t = 0; t < steps_of(r); ++t)
      weights_.data()[place(r, t)] = samples.weights[samples.step_weights ? sample(r) * all_steps_ + t : sample(r)];
}

template <class T> void BlockLoss<T>::set_classes(const Samples<T>& samples, const Size* order, Size first) {
  const Matrix<T> all = targets();
  const bool as_rows = arrangement_ == Arrangement::samples_as_rows;
  const Size per_sample = as_rows ? all.stride : 1, per_class = as_rows ? 1 : all.stride, width = outputs_ / all_steps_;
  std::fill_n(all.data, all.rows * all.columns, samples.off);
  for (Size r = 0; r < rows_; ++r) {
    const Size* classes = samples.classes + (order ? order[first + r] : first + r) * all_steps_;
    T* const row = all.data + r * per_sample;
    for (Size t = 0, steps = steps_of(r); t < steps; ++t) row[(t * width + classes[t]) * per_class] = samples.on;
  }
}

template <class T>
void BlockLoss<T>::add_noise(const KernelTable<T>& kernels, T stddev, std::uint64_t seed, std::uint64_t stream,
                             Size first_row) {
  const Size count = rows_ * outputs_;
  kernels.normal(seed, stream, first_row * outputs_, noise_.data(), count);
  kernels.add_scaled(noise_.data(), stddev, targets_.data(), targets_.data(), count);
}

template <class T> template <class U> Matrix<U> BlockLoss<T>::part(Matrix<U> m, Size index, Size count) const {
  const Size width = outputs_ / all_steps_;
  if (!m.data) return {nullptr, count, width, 1};
  if (arrangement_ == Arrangement::samples_as_rows) return {m.data + index * m.stride, count, width, width};
  return {m.data + index * width * m.stride, width, count, m.stride};
}

template <class T> double BlockLoss<T>::run(const OutputLoss<T>& loss, Matrix<const T> y, Matrix<T> dy, T scale) {
  const T* weights = weighted_ ? weights_.data() : nullptr;
  if (steps_ == 0) {
    run_kernel(loss, {y, as_const(targets()), weights, scale, loss.parameter, dy, costs_.data()});
    return sum_of_costs(weights);
  }
  const bool as_rows = arrangement_ == Arrangement::samples_as_rows;
  const Matrix<const T> all = as_const(targets());
  const Size longest = has_lengths_ ? lengths_[0] : all_steps_;
  for (Size p = 0, samples = rows_; p < (as_rows ? rows_ : longest); ++p) {
    while (!as_rows && steps_of(samples - 1) <= p) --samples;
    const Size count = as_rows ? steps_of(p) : samples, first = as_rows ? place(p, 0) : place(0, p);
    run_kernel(loss, {part(y, p, count), part(all, p, count), weights ? weights + first : nullptr, scale,
                      loss.parameter, part(dy, p, count), costs_.data() + first});
  }
  return sum_of_costs(weights);
}

template <class T> void BlockLoss<T>::run_kernel(const OutputLoss<T>& loss, const LossCall<T>& call) const {
  if (loss.custom) loss.custom(call);
  else if (arrangement_ == Arrangement::samples_as_rows) (loss.fused ? loss.kernel->fused : loss.kernel->plain)(call);
  else (loss.fused ? loss.kernel->fused_columns : loss.kernel->plain_columns)(call);
}

// In four sums, so that an addition need not wait for the one before.
template <class T> double BlockLoss<T>::sum_of_costs(const T* weights) const {
  double sums[4] = {};
  const T* costs = costs_.data();
  for (Size r = 0; r < rows_; ++r)
    for (Size t = 0; t < steps_of(r); ++t) {
      const Size i = place(r, t);
      sums[(r + t) % 4] += static_cast<double>(costs[i]) * (weights ? static_cast<double>(weights[i]) : 1.0);
    }
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

template class BlockLoss<float>;
template class BlockLoss<double>;

}  // namespace multicapa
