#include "training/optimizer.hpp"

#include <algorithm>
#include <sstream>

namespace multicapa {
namespace {

template <class T> const OptimizerKernel<T>* find_optimizer(const KernelTable<T>& table, const std::string& name) {
  std::string known;
  for (int i = 0; i < table.optimizer_count; ++i) {
    if (name == table.optimizers[i].name) return &table.optimizers[i];
    known += (i ? ", " : "") + std::string(table.optimizers[i].name);
  }
  throw InvalidArgument("there is no optimizer \"" + name + "\"; there are " + known);
}

}  // namespace

template <class T>
Optimizer<T>::Optimizer(const KernelTable<T>& table, const std::string& name,
                        const std::vector<double>& hyperparameters, Size parameter_count)
    : table_(&table),
      kernel_(find_optimizer(table, name)),
      parameter_count_(parameter_count),
      hyperparameters_(hyperparameters) {
  std::istringstream names(kernel_->hyperparameters);
  std::size_t expected = 0;
  for (std::string word; names >> word; ++expected) {
    if (word == "weight_decay") weight_decay_ = static_cast<int>(expected);
    if (expected < hyperparameters.size()) representable<T>(hyperparameters[expected], word);
  }
  if (hyperparameters.size() != expected)
    throw InvalidArgument(name + " takes " + std::to_string(expected) + " hyper-parameters beside the learning rate (" +
                          kernel_->hyperparameters + "), not " + std::to_string(hyperparameters.size()));
  for (int i = 0; i < kernel_->slots; ++i) slots_.emplace_back(parameter_count);
}

template <class T> void Optimizer<T>::prepare(double rate) {
  ++steps;
  kernel_->prepare(hyperparameters_.data(), rate, steps, carried.data(), scalars_);
  if (weight_decay_ < 0) return;
  const double decay = std::exchange(hyperparameters_[static_cast<std::size_t>(weight_decay_)], 0.0);
  kernel_->prepare(hyperparameters_.data(), rate, steps, carried.data(), scalars_without_decay_);
  hyperparameters_[static_cast<std::size_t>(weight_decay_)] = decay;
}

template <class T>
void Optimizer<T>::update(T* weight, const T* gradient, Size offset, Size count, bool decays, bool shared) {
  kernel_->update(weight, gradient, slots_at(offset).data(), count, scalars(decays), shared);
}

template <class T>
void Optimizer<T>::update_by_product(T* weight, const T* left, Size rows, const T* right, Size columns, Size offset,
                                     bool decays) {
  kernel_->update_by_product(weight, left, rows, right, columns, slots_at(offset).data(), scalars(decays));
}

template <class T> bool Optimizer<T>::is_finite() const {
  constexpr Scalar scalar = sizeof(T) == 4 ? Scalar::float32 : Scalar::float64;
  return std::all_of(slots_.begin(), slots_.end(), [&](const Buffer<T>& slot) {
    return table_->find_not_finite(slot.data(), scalar, parameter_count_) < 0;
  });
}

template <class T> void Optimizer<T>::forget() {
  steps = 0, carried = {}, first_cost = std::numeric_limits<double>::quiet_NaN();
  for (Buffer<T>& slot : slots_) std::fill_n(slot.data(), parameter_count_, T(0));
}

template <class T> std::array<T*, max_slots> Optimizer<T>::slots_at(Size offset) {
  std::array<T*, max_slots> slots{};
  for (std::size_t i = 0; i < slots_.size(); ++i) slots[i] = slots_[i].data() + offset;
  return slots;
}

template class Optimizer<float>;
template class Optimizer<double>;

}  // namespace multicapa
