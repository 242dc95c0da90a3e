// Training of one network: epochs of steps in one parallel region each.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "base/arithmetic.hpp"
#include "training/step.hpp"

namespace multicapa {

template <class T> struct Epoch {
  Examples<T> examples;
  const Size* order = nullptr;  // null: as they lie
  Size count = 0;               // samples to visit: the length of the order
  Size batch_size = 0;
  Size bptt = 0;              // see StepShape
  std::vector<double> rates;  // one for all steps, or one for each
  Look look;
};

struct EpochResult {
  double loss = 0;             // mean over the samples of the steps that were finished, penalty included
  double penalty = 0;          // its part in that
  std::vector<double> losses;  // of each output where there are several, without weights and penalty
  Size steps = 0;              // finished steps
  bool interrupted = false;
  bool diverged = false;  // a cost was not finite or had exploded; the step that met it changed nothing
};

// Objective and optimiser come with each call and belong to the caller; the network has none of its own.
template <class T> class Trainer {
 public:
  using Goal = std::shared_ptr<const Objective<T>>;

  explicit Trainer(Network<T>& network) : network_(network) {}

  EpochResult run(const Goal& goal, Optimizer<T>& optimizer, const Epoch<T>& epoch);
  // One step over all samples that leaves its gradients in the network and changes nothing else.
  EpochResult compute_gradient(const Goal& goal, const Examples<T>& examples, Size bptt, const Look& look);
  // The same, and then look_at(step) while the step still holds the outputs and deltas of all rows.
  EpochResult probe(const Goal& goal, const Examples<T>& examples, FunctionRef<void(const Step<T>&)> look_at);

 private:
  // A step and what it was planned for.
  struct Planned {
    Goal goal;
    std::unique_ptr<Step<T>> step;
  };

  EpochResult run_gradient(Step<T>& step, Arithmetic arithmetic, const Examples<T>& examples, const Look& look);
  // Runs functions of the user's, on the calling thread: their arithmetic is not ours to change.
  bool calls_out(const Objective<T>& objective) const { return network_.calls_out() || objective.calls_out(); }
  Arithmetic arithmetic_for(const Objective<T>& objective) const {
    return calls_out(objective) ? Arithmetic::as_it_is : Arithmetic::flushing;
  }
  StepShape shape_for_batch(const Objective<T>& objective, Size rows, const Examples<T>& examples, Size bptt) const;
  Step<T>& step_for(const Goal& goal, const StepShape& shape);
  void make_room();  // before steps are asked for: keeps the number of planned ones small

  Network<T>& network_;
  std::vector<Planned> steps_;  // of the objectives and sizes seen lately
};

}  // namespace multicapa
