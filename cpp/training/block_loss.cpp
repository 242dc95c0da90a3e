#include "training/block_loss.hpp"

#include <algorithm>

namespace multicapa {

template <class T>
void BlockLoss<T>::gather(const KernelTable<T>& kernels, const Samples<T>& samples, const Size* order, Size first,
                          Size rows, Size outputs) {
  rows_ = rows, outputs_ = outputs;
  const auto sample = [&](Size r) { return order ? order[first + r] : first + r; };
  if (samples.classes) {
    std::fill_n(targets_.data(), rows * outputs, samples.off);
    for (Size r = 0; r < rows; ++r) targets_.data()[r * outputs + samples.classes[sample(r)]] = samples.on;
  } else {
    kernels.gather(samples.targets.data, samples.targets.scalar, samples.targets.stride, order, first, this->rows());
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
  const LossCall<T> call{y, as_const(rows()), weights, scale, objective.loss_parameter, dy, costs_.data()};
  if (objective.custom_loss) objective.custom_loss(call);
  else (objective.fused ? objective.loss->fused : objective.loss->plain)(call);
  double cost = 0;
  for (Size r = 0; r < rows_; ++r)
    cost += static_cast<double>(costs_.data()[r]) * (weights ? static_cast<double>(weights[r]) : 1.0);
  return cost;
}

template class BlockLoss<float>;
template class BlockLoss<double>;

}  // namespace multicapa
