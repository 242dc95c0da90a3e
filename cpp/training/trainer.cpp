#include "training/trainer.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <numeric>

#include "base/subnormals.hpp"
#include "kernels/products/matmul.hpp"

namespace multicapa {
namespace {

constexpr double work_per_thread =
    2e5;  // multiplications in a step below which a second thread costs more than it gives

// Longest first within each batch, so that the samples of a block end one after another.
std::vector<Size> order_by_length(const Size* lengths, const Size* order, Size count, Size batch) {
  std::vector<Size> sorted(static_cast<std::size_t>(count));
  if (order) std::copy_n(order, count, sorted.data());
  else std::iota(sorted.begin(), sorted.end(), Size{0});
  for (Size first = 0; first < count; first += batch)
    std::stable_sort(sorted.data() + first, sorted.data() + std::min(first + batch, count),
                     [&](Size a, Size b) { return lengths[a] > lengths[b]; });
  return sorted;
}

constexpr double explosion = 1e12;  // growth of the cost of a batch that no outlier explains

}  // namespace

template <class T> void Trainer<T>::set_objective(const Objective<T>& objective) {
  objective_ = objective;
  steps_.clear();  // what they planned followed from the old one
}

template <class T> void Trainer<T>::set_optimizer(const std::string& name, const std::vector<double>& hyperparameters) {
  optimizer_.emplace(network_.kernels(), name, hyperparameters, network_.parameter_count());
  first_cost_ = std::nan("");
}

template <class T> StepShape Trainer<T>::shape_for_batch(Size rows, const Samples<T>& samples, Size bptt) const {
  StepShape shape{rows};
  shape.ragged = samples.lengths != nullptr, shape.bptt = bptt;
  if (calls_out()) return shape;
  shape.threads = threads_for(3 * network_.work_per_row() * static_cast<double>(rows), work_per_thread);
  const Size nodes = static_cast<Size>(network_.nodes().size()) - (objective_.fused ? 1 : 0);
  if (objective_.target_noise == 0) shape.arrangement = choose_arrangement(network_, rows, nodes);
  return shape;
}

// Not finite, or far beyond what the optimiser started from: a finite cost of 1e80 is no better.
template <class T> bool Trainer<T>::exploded(double cost) {
  if (std::isnan(first_cost_)) first_cost_ = cost;
  return !(cost <= explosion * (first_cost_ + 1));
}

template <class T> Step<T>& Trainer<T>::step_for(const StepShape& shape) {
  for (auto& step : steps_)
    if (step->shape() == shape) return *step;
  steps_.push_back(std::make_unique<Step<T>>(network_, objective_, shape));
  return *steps_.back();
}

template <class T> void Trainer<T>::make_room() {
  if (steps_.size() > 4) steps_.clear();
}

template <class T> EpochResult Trainer<T>::run(const Epoch<T>& epoch) {
  const Size count = epoch.count, batch = std::min(epoch.batch_size, count), remainder = count % batch;
  const Size steps = (count + batch - 1) / batch;
  make_room();
  StepShape shape =
      shape_for_batch(batch, epoch.samples, epoch.bptt);  // the short last batch is treated like the others
  Step<T>& full = step_for(shape);
  shape.rows = remainder;
  Step<T>& last = remainder ? step_for(shape) : full;
  std::vector<Size> by_length;
  if (epoch.samples.lengths) by_length = order_by_length(epoch.samples.lengths, epoch.order, count, batch);
  const Size* const order = epoch.samples.lengths ? by_length.data() : epoch.order;
  Interruption interruption(epoch.look, 3 * network_.work_per_row() * static_cast<double>(count));
  hold_blas_at_one_thread();
  network_.derive();
  EpochResult result;
  Size done = 0;
  double cost = 0;                // of the present batch
  Apart<std::atomic<bool>> over;  // set once and for good, so that a late member reads it right

  const auto run_steps = [&](Member& member, Size from, Size to) {
    const FlushSubnormals flush(!calls_out());
    for (Size s = from; s < to && !over.value; ++s) {
      Step<T>& step = remainder && s == steps - 1 ? last : full;
      const BatchRows rows{order, s * batch, count};
      step.compute_rows(member, epoch.samples, rows, network_.training_steps + static_cast<std::uint64_t>(s),
                        interruption, [&, s] {
                          result.interrupted = interruption.abandoned();
                          cost = step.cost() / step.divisor(epoch.samples, rows);
                          result.diverged = !result.interrupted && exploded(cost);
                          if (result.interrupted || result.diverged) over.value = true;
                          else optimizer_->prepare(epoch.rates[epoch.rates.size() == 1 ? 0 : s]);
                        });
      if (over.value) break;
      const bool last_step = s == steps - 1;  // callbacks may look at its gradient
      step.update_parameters(member, &*optimizer_, last_step, [&] {
        const double share = static_cast<double>(step.rows()), penalty = step.penalty();
        result.loss += (cost + penalty) * share;
        result.penalty += penalty * share;
        done += step.rows();
        ++result.steps;
      });
    }
  };
  for (Size s = 0; s < steps && !over.value;) {
    const Pace::Stretch stretch = full.pace().next(steps - s);
    const Pace::Clock::time_point start = Pace::Clock::now();
    run_team(stretch.threads, [&](Member& member) { run_steps(member, s, s + stretch.steps); });
    full.pace().report(stretch, Pace::Clock::now() - start);
    s += stretch.steps;
  }

  network_.training_steps += static_cast<std::uint64_t>(result.steps);
  result.loss = done ? result.loss / static_cast<double>(done) : std::nan("");
  result.penalty = done ? result.penalty / static_cast<double>(done) : 0;
  return result;
}

template <class T> EpochResult Trainer<T>::compute_gradient(const Samples<T>& samples, Size bptt, const Look& look) {
  make_room();
  return run_gradient(step_for(shape_for_batch(samples.count, samples, bptt)), samples, look);
}

template <class T> EpochResult Trainer<T>::probe(const Samples<T>& samples, FunctionRef<void(const Step<T>&)> look_at) {
  Step<T> step(network_, objective_, {.rows = samples.count, .ragged = samples.lengths != nullptr, .keep_rows = true});
  const EpochResult result = run_gradient(step, samples, {});
  look_at(step);
  return result;
}

template <class T> EpochResult Trainer<T>::run_gradient(Step<T>& step, const Samples<T>& samples, const Look& look) {
  Interruption interruption(look, 3 * network_.work_per_row() * static_cast<double>(samples.count));
  hold_blas_at_one_thread();
  network_.derive();
  // Layers with a running state think that they are being trained.
  const std::vector<T> state(network_.state().data(), network_.state().data() + network_.state().size());
  EpochResult result;
  std::vector<Size> by_length;
  if (samples.lengths) by_length = order_by_length(samples.lengths, nullptr, step.rows(), step.rows());
  const BatchRows rows{samples.lengths ? by_length.data() : nullptr, 0, step.rows()};
  run_team(step.shape().threads, [&](Member& member) {
    const FlushSubnormals flush(!calls_out());
    step.compute_rows(member, samples, rows, network_.training_steps, interruption,
                      [&] { result.interrupted = interruption.abandoned(); });
    if (!result.interrupted) step.update_parameters(member, nullptr, true, [] {});
  });
  std::copy(state.begin(), state.end(), network_.state().data());
  result.steps = result.interrupted ? 0 : 1;
  result.penalty = step.penalty();
  result.loss = step.cost() / step.divisor(samples, rows) + result.penalty;
  return result;
}

template class Trainer<float>;
template class Trainer<double>;

}  // namespace multicapa
