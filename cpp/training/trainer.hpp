// Training of one network: epochs of steps in one parallel region each.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "training/step.hpp"

namespace multicapa {

template <class T> struct Epoch {
  Samples<T> samples;
  const Size* order = nullptr;  // null: as they lie
  Size count = 0;               // samples to visit: the length of the order
  Size batch_size = 0;
  Size bptt = 0;              // see StepShape
  std::vector<double> rates;  // one for all steps, or one for each
  Look look;
};

struct EpochResult {
  double loss = 0;     // mean over the samples of the steps that were finished, penalty included
  double penalty = 0;  // its part in that
  Size steps = 0;      // finished steps
  bool interrupted = false;
  bool diverged = false;  // a cost was not finite or had exploded; the step that met it changed nothing
};

template <class T> class Trainer {
 public:
  explicit Trainer(Network<T>& network) : network_(network) {}

  void set_objective(const Objective<T>& objective);
  const Objective<T>& objective() const { return objective_; }
  void set_optimizer(const std::string& name, const std::vector<double>& hyperparameters);
  Optimizer<T>* optimizer() { return optimizer_ ? &*optimizer_ : nullptr; }

  EpochResult run(const Epoch<T>& epoch);
  // One step over all samples that leaves its gradients in the network and changes nothing else.
  EpochResult compute_gradient(const Samples<T>& samples, Size bptt, const Look& look);
  // The same, and then look_at(step) while the step still holds the outputs and deltas of all rows.
  EpochResult probe(const Samples<T>& samples, FunctionRef<void(const Step<T>&)> look_at);

 private:
  EpochResult run_gradient(Step<T>& step, const Samples<T>& samples, const Look& look);
  bool exploded(double cost);
  // Runs functions of the user's, on the calling thread: their arithmetic is not ours to change.
  bool calls_out() const { return network_.calls_out() || objective_.custom_loss; }
  StepShape shape_for_batch(Size rows, const Samples<T>& samples, Size bptt) const;
  Step<T>& step_for(const StepShape& shape);
  void make_room();  // before steps are asked for: keeps the number of planned ones small

  Network<T>& network_;
  Objective<T> objective_;
  std::optional<Optimizer<T>> optimizer_;
  double first_cost_ = 0;                        // of the first batch after set_optimizer
  std::vector<std::unique_ptr<Step<T>>> steps_;  // of the sizes seen lately
};

}  // namespace multicapa
