// An optimiser: a row of the list of optimisers, its hyper-parameters, and its slots as long as the flat parameters.
#pragma once

#include <array>
#include <limits>
#include <string>
#include <vector>

#include "network/network.hpp"

namespace multicapa {

template <class T> class Optimizer {
 public:
  Optimizer(const KernelTable<T>& table, const std::string& name, const std::vector<double>& hyperparameters,
            Size parameter_count);

  // Once per step, before the updates of its tasks.
  void prepare(double rate);
  // `decays`: a weight, to which weight decay applies, as opposed to a bias. `shared`: other threads have read it.
  void update(T* weight, const T* gradient, Size offset, Size count, bool decays, bool shared = false);

  // The same by the gradient left ⊗ right: some rows of `columns` weights each.
  void update_by_product(T* weight, const T* left, Size rows, const T* right, Size columns, Size offset, bool decays);

  bool is_finite() const;  // whether all that it remembers is
  void forget();

  bool decays_weights() const { return weight_decay_ >= 0; }
  const char* name() const { return kernel_->name; }
  const std::vector<double>& hyperparameters() const { return hyperparameters_; }
  std::vector<Buffer<T>>& slots() { return slots_; }
  const std::vector<Buffer<T>>& slots() const { return slots_; }
  Size parameter_count() const { return parameter_count_; }
  Size steps = 0;
  std::array<double, 4> carried{};
  double first_cost = std::numeric_limits<double>::quiet_NaN();  // of the first batch it has met, to tell divergence by

 private:
  std::array<T*, max_slots> slots_at(Size offset);
  const UpdateScalars<T>& scalars(bool decays) const {
    return weight_decay_ >= 0 && !decays ? scalars_without_decay_ : scalars_;
  }

  const KernelTable<T>* table_;
  const OptimizerKernel<T>* kernel_;
  Size parameter_count_;
  std::vector<double> hyperparameters_;
  int weight_decay_ = -1;  // which hyper-parameter it is, if any
  std::vector<Buffer<T>> slots_;
  UpdateScalars<T> scalars_{}, scalars_without_decay_{};
};

}  // namespace multicapa
