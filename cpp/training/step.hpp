// One training step over a batch of a fixed size: phases of tasks with a rendezvous between them.
//   rows        for each chunk of rows: gather the samples, forward, loss, backward, while the block is in cache
//   parameters  for each range of a parameter: its gradient over the whole batch, the penalty, the update
// A layer that needs sums over the whole batch cuts the first in two; clipping by the global norm cuts the second.
#pragma once

#include <memory>
#include <vector>

#include "base/interruption.hpp"
#include "base/team.hpp"
#include "kernels/samples.hpp"
#include "network/pass.hpp"
#include "training/block_loss.hpp"
#include "training/chain.hpp"
#include "training/examples.hpp"
#include "training/objective.hpp"
#include "training/pace.hpp"
#include "training/parameter_phase.hpp"
#include "training/partition.hpp"

namespace multicapa {

// What a step is planned for.
struct StepShape {
  Size rows = 0;
  int threads = 1;
  Arrangement arrangement = Arrangement::samples_as_rows;
  bool ragged = false;     // samples have lengths of their own
  Size bptt = 0;           // steps over which gradients pass back in time; 0: over all
  bool keep_rows = false;  // every row keeps a place of its own, to be looked at afterwards
  bool operator==(const StepShape&) const = default;
};

template <class T> class Step {
 public:
  Step(Network<T>& network, const Objective<T>& objective, const StepShape& shape);

  const StepShape& shape() const { return shape_; }
  Pace& pace() { return pace_; }
  Size rows() const { return shape_.rows; }

  using Closing = typename ParameterPhase<T>::Closing;

  // Forward, loss and backward of all rows. Every member of the team calls it.
  void compute_rows(Member& member, const Examples<T>& examples, const BatchRows& batch, std::uint64_t step,
                    Interruption& interruption, const Closing& closing);
  // After compute_rows. The gradients are left in the network when they are to be kept, or without an optimiser.
  void update_parameters(Member& member, Optimizer<T>* optimizer, bool keep_gradient, const Closing& closing);

  // Gives the samples of a batch, the longest first, to its blocks: each has long ones and short ones, so that no task
  // is much longer than another.
  void deal(Size* order);

  // With keep_rows: runs the activation that the loss has spared; then a node's outputs, and its delta, dCost/d output,
  // which has no numbers where none was needed.
  void complete_outputs();
  std::pair<Matrix<T>, Matrix<T>> last_batch(Size node) const;
  Matrix<const T> step_deltas(Size n) const { return node(n).layer->step_deltas(whole_->call(n)); }

  // The mean cost of each output, and their weighted sum, which is minimised; from compute_rows's closing on.
  double cost(const Examples<T>& examples, const BatchRows& batch) const;
  double cost(Size output, const Examples<T>& examples, const BatchRows& batch) const;
  // Of the parameters before the update; from update_parameters's closing on.
  double penalty() const { return parameters_->penalty(); }
  double costs(Size output, const Examples<T>& examples, const BatchRows& batch) const;  // how many there are

 private:
  // One thread's present block: its calls and its loss. Alone on its cache lines, as each thread writes to its own.
  struct alignas(64) Lane {
    std::unique_ptr<Workspace<T>> workspace;  // when it has one of its own
    std::unique_ptr<Pass<T>> pass;
    std::vector<BlockLoss<T>> losses;  // one per output
    std::vector<T> divisors;           // of the present batch: what makes a mean of each output's costs
    Size block = -1;
  };
  struct Input {
    const Examples<T>& examples;
    const BatchRows& batch;
    std::uint64_t step;
  };

  void plan_lanes();
  // Whether the layers will read what is derived from the parameters.
  bool reads_derived() const {
    return !chain_ && shape_.arrangement == Arrangement::samples_as_rows && shape_.rows > 1;
  }
  const Node<T>& node(Size n) const { return network_.nodes()[static_cast<std::size_t>(n)]; }
  Size end_node() const { return static_cast<Size>(network_.nodes().size()); }
  double divisor(Size output, const Examples<T>& examples, const BatchRows& batch) const;
  double sum_of_costs(Size output) const;

  void run_chain(Member& member, const Lane& lane, Interruption& interruption, const Input& input,
                 const Closing& closing);
  void place(Lane& lane, Size chunk, Size block, const Input& input);
  void prefetch_next(const Block& rows, const Input& input) const;
  void forward_segment(Lane& lane, Size segment, Size block, const Input& input);
  void backward_segment(Lane& lane, Size segment, Size block);
  void run_losses(Lane& lane, Size block, const Input& input);
  void combine(Lane& lane, Size sync, bool backward);
  template <class Work>
  void for_blocks(Member& member, Lane& lane, Interruption& interruption, const Input& input, Work&& work,
                  const Closing& closing);

  Network<T>& network_;
  const Objective<T>& objective_;
  const StepShape shape_;
  const double work_per_row_;  // multiplications, forward and back
  const Partition partition_;
  const std::unique_ptr<Chain<T>> chain_;  // null where layers run one by one
  Pace pace_;
  std::vector<Size> syncs_;  // nodes that need sums over the whole batch
  Buffer<T> block_sums_;
  Size sums_stride_ = 0;
  std::unique_ptr<Workspace<T>> workspace_;
  std::unique_ptr<Pass<T>> whole_;          // over all rows at once, for gradients over the whole batch
  std::vector<Lane> lanes_;                 // one per thread
  std::vector<Size> dealt_, filled_;        // for deal
  std::vector<Apart<double>> block_costs_;  // of all blocks, output by output
  std::unique_ptr<ParameterPhase<T>> parameters_;
};

}  // namespace multicapa
