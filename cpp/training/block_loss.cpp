#include "training/block_loss.hpp"

#include <algorithm>

namespace multicapa {

template <class T>
BlockLoss<T>::BlockLoss(Size rows, Size outputs, Arrangement arrangement)
    : arrangement_(arrangement),
      targets_(aligned<T>(rows) * outputs),
      weights_(aligned<T>(rows)),
      costs_(aligned<T>(rows)),
      noise_(arrangement == Arrangement::samples_as_rows ? rows * outputs : 0) {}

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
  if (samples.classes) {
    const Matrix<T> all = targets();
    const Size per_sample = as_rows ? all.stride : 1, per_class = as_rows ? 1 : all.stride;
    std::fill_n(all.data, all.rows * all.columns, samples.off);
    for (Size r = 0; r < rows; ++r) all.data[r * per_sample + samples.classes[sample(r)] * per_class] = samples.on;
  } else if (as_rows) {
    kernels.gather(given.data, given.scalar, given.stride, order, first, targets());
  } else {
    kernels.gather_columns(given.data, given.scalar, given.stride, order, first, rows, targets());
  }
  weighted_ = samples.weights != nullptr;
  for (Size r = 0; weighted_ && r < rows; ++r) weights_.data()[r] = samples.weights[sample(r)];
}

template <class T>
void BlockLoss<T>::add_noise(const KernelTable<T>& kernels, T stddev, std::uint64_t seed, std::uint64_t stream,
                             Size first_row) {
  const Size count = rows_ * outputs_;
  kernels.normal(seed, stream, first_row * outputs_, noise_.data(), count);
  kernels.add_scaled(noise_.data(), stddev, targets_.data(), targets_.data(), count);
}

template <class T> double BlockLoss<T>::run(const Objective<T>& objective, Matrix<const T> y, Matrix<T> dy, T scale) {
  const T* weights = weighted_ ? weights_.data() : nullptr;
  const LossCall<T> call{y, as_const(targets()), weights, scale, objective.loss_parameter, dy, costs_.data()};
  if (objective.custom_loss) objective.custom_loss(call);
  else if (arrangement_ == Arrangement::samples_as_rows)
    (objective.fused ? objective.loss->fused : objective.loss->plain)(call);
  else (objective.fused ? objective.loss->fused_columns : objective.loss->plain_columns)(call);
  return sum_of_costs(weights);
}

// In four sums, so that an addition need not wait for the one before.
template <class T> double BlockLoss<T>::sum_of_costs(const T* weights) const {
  double sums[4] = {};
  const T* costs = costs_.data();
  for (Size r = 0; r < rows_; ++r)
    sums[r % 4] += static_cast<double>(costs[r]) * (weights ? static_cast<double>(weights[r]) : 1.0);
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

template class BlockLoss<float>;
template class BlockLoss<double>;

}  // namespace multicapa
