// The targets of one block of rows and its cost: shared by training and evaluation.
#pragma once

#include "base/memory.hpp"
#include "kernels/samples.hpp"
#include "training/objective.hpp"

namespace multicapa {

template <class T> class BlockLoss {
 public:
  BlockLoss() = default;
  BlockLoss(Size rows, Size outputs, Arrangement arrangement = Arrangement::samples_as_rows);

  // Brings the targets of `rows` samples, which start at `first` in the order.
  void gather(const KernelTable<T>& kernels, const Samples<T>& samples, const Size* order, Size first, Size rows,
              Size outputs);
  // Adds stddev · n to the targets; row 0 is row `first_row` of its batch.
  void add_noise(const KernelTable<T>& kernels, T stddev, std::uint64_t seed, std::uint64_t stream, Size first_row);
  // Σ of the weighted costs of the rows of y. Where dy.data is not null it becomes scale · weight · dCost/dy.
  double run(const Objective<T>& objective, Matrix<const T> y, Matrix<T> dy, T scale);

 private:
  Matrix<T> targets();
  double sum_of_costs(const T* weights) const;

  Arrangement arrangement_ = Arrangement::samples_as_rows;
  Buffer<T> targets_, weights_, costs_, noise_;
  Size rows_ = 0, outputs_ = 0;
  bool weighted_ = false;
};

}  // namespace multicapa
