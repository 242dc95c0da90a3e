// Outputs and costs of a network that stands still.
#pragma once

#include <memory>
#include <vector>

#include "base/interruption.hpp"
#include "kernels/samples.hpp"
#include "network/pass.hpp"
#include "training/block_loss.hpp"
#include "training/objective.hpp"
#include "training/partition.hpp"

namespace multicapa {

template <class T> class Inference {
 public:
  explicit Inference(Network<T>& network) : network_(network) {}

  // Rows of x to rows of y, with the steps that each sample has or null; false when the look said stop.
  bool predict(const Rows& x, const Size* lengths, Size count, T* y, const Look& look);
  // Σ of the samples' weighted costs; `outputs` may be null.
  bool evaluate(const Samples<T>& samples, const Objective<T>& objective, T* outputs, double& cost, const Look& look);

 private:
  struct Lane {
    std::unique_ptr<Workspace<T>> workspace;
    std::unique_ptr<Pass<T>> pass;
    BlockLoss<T> loss;
  };
  // Runs work(lane, first, rows, block) for all blocks of `count` rows, after the forward pass up to `end`.
  template <class Work>
  bool for_blocks(const Rows& x, const Size* lengths, Size count, Size end, bool calls_out, const Look& look,
                  Work work);
  void prepare(Size block_rows, int threads);
  void place(Lane& lane, const Rows& x, const Size* lengths, Size first, Size rows);
  void sort(const Size* lengths, Size count);
  void hand_out(const Lane& lane, const Block& block, const Size* lengths, T* y) const;

  Network<T>& network_;
  Size capacity_ = 0;
  std::vector<Lane> lanes_;
  std::vector<Size> order_;  // of samples with lengths: the longest first
};

}  // namespace multicapa
