// Outputs and costs of a network that stands still.
#pragma once

#include <memory>
#include <vector>

#include "base/interruption.hpp"
#include "kernels/samples.hpp"
#include "network/pass.hpp"
#include "training/block_loss.hpp"
#include "training/examples.hpp"
#include "training/objective.hpp"
#include "training/partition.hpp"

namespace multicapa {

template <class T> class Inference {
 public:
  explicit Inference(Network<T>& network) : network_(network) {}

  // Samples of the inputs to rows of each output, where it is wanted; false when the look said stop.
  bool predict(const std::vector<InputRows>& inputs, Size count, const std::vector<T*>& outputs, const Look& look);
  // Σ of the samples' weighted costs of each output; the outputs themselves where they are wanted.
  bool evaluate(const Examples<T>& examples, const Objective<T>& objective, const std::vector<T*>& outputs,
                std::vector<double>& costs, const Look& look);

 private:
  struct Lane {
    std::unique_ptr<Workspace<T>> workspace;
    std::unique_ptr<Pass<T>> pass;
    std::vector<BlockLoss<T>> losses;
  };
  // Runs work(lane, block, index) for all blocks of `count` rows, after the forward pass without the nodes left out.
  template <class Work>
  bool for_blocks(const std::vector<InputRows>& inputs, Size count, const std::vector<Size>& left_out, bool calls_out,
                  const Look& look, Work work);
  void prepare(Size block_rows, int threads);
  void place(Lane& lane, const std::vector<InputRows>& inputs, Size first, Size rows);
  void sort(const std::vector<InputRows>& inputs, Size count);
  void hand_out(const Lane& lane, const Block& block, const std::vector<InputRows>& inputs,
                const std::vector<T*>& outputs) const;

  Network<T>& network_;
  Size capacity_ = 0;
  std::vector<Lane> lanes_;
  std::vector<Size> order_;  // of samples with lengths: the longest first, else empty
};

}  // namespace multicapa
