// The targets of one block of rows and its cost: shared by training and evaluation.
#pragma once

#include <vector>

#include "base/memory.hpp"
#include "kernels/samples.hpp"
#include "training/objective.hpp"

namespace multicapa {

template <class T> class BlockLoss {
 public:
  BlockLoss() = default;
  // steps: of sequences whose steps have costs of their own, else 0; outputs are those of all of them.
  BlockLoss(Size rows, Size outputs, Size steps, Arrangement arrangement = Arrangement::samples_as_rows);

  // Brings the targets of `rows` samples, which start at `first` in the order, descending by length where they have
  // one.
  void gather(const KernelTable<T>& kernels, const Samples<T>& samples, const Size* order, Size first, Size rows,
              Size outputs);
  // Adds stddev · n to the targets; row 0 is row `first_row` of its batch.
  void add_noise(const KernelTable<T>& kernels, T stddev, std::uint64_t seed, std::uint64_t stream, Size first_row);
  // Σ of the weighted costs of the rows of y. Where dy.data is not null it becomes scale · weight · dCost/dy.
  double run(const OutputLoss<T>& loss, Matrix<const T> y, Matrix<T> dy, T scale);

 private:
  Matrix<T> targets();
  // The steps of one sample with samples as rows, or one step of all.
  template <class U> Matrix<U> part(Matrix<U> m, Size index, Size count) const;
  void set_classes(const Samples<T>& samples, const Size* order, Size first);
  Size steps_of(Size row) const { return !has_lengths_ ? all_steps_ : lengths_[static_cast<std::size_t>(row)]; }
  Size place(Size row, Size step) const {
    return arrangement_ == Arrangement::samples_as_rows ? row * all_steps_ + step : step * aligned<T>(rows_) + row;
  }
  void run_kernel(const OutputLoss<T>& loss, const LossCall<T>& call) const;
  double sum_of_costs(const T* weights) const;

  Arrangement arrangement_ = Arrangement::samples_as_rows;
  Buffer<T> targets_, weights_, costs_, noise_;
  Size rows_ = 0, outputs_ = 0;
  Size steps_ = 0, all_steps_ = 1;  // 1 where the cost is of the whole sample
  std::vector<Size> lengths_;       // of the block's samples, where they have such
  bool weighted_ = false, has_lengths_ = false;
};

}  // namespace multicapa
