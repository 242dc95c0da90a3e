#include "training/trainer.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <numeric>

#include "base/arithmetic.hpp"
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
    std::sort(sorted.data() + first, sorted.data() + std::min(first + batch, count),
              [&](Size a, Size b) { return lengths[a] > lengths[b] || (lengths[a] == lengths[b] && a < b); });
  return sorted;
}

constexpr double explosion = 1e12;  // growth of the cost of a batch that no outlier explains

// Not finite, or far beyond what the optimiser started from: a finite cost of 1e80 is no better.
bool exploded(double cost, double& first) {
  if (!std::isfinite(cost)) return true;
  if (std::isnan(first)) first = cost;
  return cost > explosion * (std::abs(first) + 1);
}

}  // namespace

template <class T>
StepShape Trainer<T>::shape_for_batch(const Objective<T>& objective, Size rows, const Examples<T>& examples,
                                      Size bptt) const {
  StepShape shape{rows};
  shape.ragged = examples.lengths() != nullptr, shape.bptt = bptt;
  if (calls_out(objective)) return shape;
  shape.threads = threads_for(3 * network_.work_per_row() * static_cast<double>(rows), work_per_thread);
  // Samples as columns are in the order of the one input that has lengths.
  if (objective.target_noise == 0 && examples.count_ragged() < 2)
    shape.arrangement = choose_arrangement(network_, objective, rows);
  return shape;
}

template <class T> Step<T>& Trainer<T>::step_for(const Goal& goal, const StepShape& shape) {
  for (const Planned& planned : steps_)
    if (planned.goal == goal && planned.step->shape() == shape) return *planned.step;
  steps_.push_back({goal, std::make_unique<Step<T>>(network_, *goal, shape)});
  return *steps_.back().step;
}

// Steps whose objective nobody else holds any more will not be asked for again.
template <class T> void Trainer<T>::make_room() {
  std::erase_if(steps_, [](const Planned& planned) { return planned.goal.use_count() == 1; });
  if (steps_.size() > 4) steps_.clear();
}

template <class T> EpochResult Trainer<T>::run(const Goal& goal, Optimizer<T>& optimizer, const Epoch<T>& epoch) {
  const Size count = epoch.count, batch = epoch.batch_size, remainder = count % batch;
  const Size steps = (count + batch - 1) / batch;
  make_room();
  // The short last batch is treated like the others, also where it comes alone.
  StepShape shape = shape_for_batch(*goal, batch, epoch.examples, epoch.bptt);
  Step<T>& full = step_for(goal, shape);
  shape.rows = remainder;
  Step<T>& last = remainder ? step_for(goal, shape) : full;
  const Arithmetic arithmetic = arithmetic_for(*goal);
  std::vector<Size> by_length;
  const Size* const lengths = epoch.examples.lengths();
  if (lengths) by_length = order_by_length(lengths, epoch.order, count, batch);
  for (Size s = 0; lengths && s < steps; ++s)
    (remainder && s == steps - 1 ? last : full).deal(by_length.data() + s * batch);
  const Size* const order = lengths ? by_length.data() : epoch.order;
  Interruption interruption(epoch.look, 3 * network_.work_per_row() * static_cast<double>(count));
  hold_blas_at_one_thread();
  network_.derive();
  const Size outputs = network_.output_count() > 1 ? network_.output_count() : 0;  // whose losses are told one by one
  EpochResult result;
  result.losses.resize(static_cast<std::size_t>(outputs));
  std::vector<double> shares(result.losses.size());  // costs of each output so far
  double done = 0;
  double cost = 0;                // of the present batch
  Apart<std::atomic<bool>> over;  // set once and for good, so that a late member reads it right

  const auto run_steps = [&](Member& member, Size from, Size to) {
    const ArithmeticScope scope(arithmetic);
    for (Size s = from; s < to && !over.value; ++s) {
      Step<T>& step = remainder && s == steps - 1 ? last : full;
      const BatchRows rows{order, s * batch, count};
      step.compute_rows(member, epoch.examples, rows, network_.training_steps + static_cast<std::uint64_t>(s),
                        interruption, [&, s] {
                          result.interrupted = interruption.abandoned();
                          cost = step.cost(epoch.examples, rows);
                          result.diverged = !result.interrupted && exploded(cost, optimizer.first_cost);
                          if (result.interrupted || result.diverged) over.value = true;
                          else optimizer.prepare(epoch.rates[epoch.rates.size() == 1 ? 0 : s]);
                        });
      if (over.value) break;
      const bool last_step = s == steps - 1;  // callbacks may look at its gradient
      step.update_parameters(member, &optimizer, last_step, [&] {
        const double share = step.costs(0, epoch.examples, rows), penalty = step.penalty();
        result.loss += (cost + penalty) * share;
        result.penalty += penalty * share;
        for (std::size_t o = 0; o < shares.size(); ++o) {
          const double costs = step.costs(static_cast<Size>(o), epoch.examples, rows);
          result.losses[o] += step.cost(static_cast<Size>(o), epoch.examples, rows) * costs;
          shares[o] += costs;
        }
        done += share;
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

  // A gradient whose square overflows leaves memories by which nothing is ever learnt again.
  if (result.steps && !optimizer.is_finite()) result.diverged = true, optimizer.forget();
  network_.training_steps += static_cast<std::uint64_t>(result.steps);
  result.loss = done > 0 ? result.loss / done : std::nan("");
  result.penalty = done > 0 ? result.penalty / done : 0;
  if (outputs && done > 0) result.loss = result.penalty;
  for (std::size_t o = 0; o < shares.size(); ++o) {
    result.losses[o] = shares[o] > 0 ? result.losses[o] / shares[o] : 0;
    if (done > 0) result.loss += goal->losses[o].weight * result.losses[o];
  }
  return result;
}

template <class T>
EpochResult Trainer<T>::compute_gradient(const Goal& goal, const Examples<T>& examples, Size bptt, const Look& look) {
  make_room();
  Step<T>& step = step_for(goal, shape_for_batch(*goal, examples.count, examples, bptt));
  return run_gradient(step, arithmetic_for(*goal), examples, look);
}

template <class T>
EpochResult Trainer<T>::probe(const Goal& goal, const Examples<T>& examples,
                              FunctionRef<void(const Step<T>&)> look_at) {
  Step<T> step(network_, *goal, {.rows = examples.count, .ragged = examples.lengths() != nullptr, .keep_rows = true});
  const EpochResult result = run_gradient(step, arithmetic_for(*goal), examples, {});
  step.complete_outputs();
  look_at(step);
  return result;
}

template <class T>
EpochResult Trainer<T>::run_gradient(Step<T>& step, Arithmetic arithmetic, const Examples<T>& examples,
                                     const Look& look) {
  Interruption interruption(look, 3 * network_.work_per_row() * static_cast<double>(examples.count));
  hold_blas_at_one_thread();
  network_.derive();
  // Layers with a running state think that they are being trained.
  const std::vector<T> state(network_.state().data(), network_.state().data() + network_.state().size());
  EpochResult result;
  std::vector<Size> by_length;
  const Size* const lengths = examples.lengths();
  if (lengths) {
    by_length = order_by_length(lengths, nullptr, step.rows(), step.rows());
    step.deal(by_length.data());
  }
  const BatchRows rows{lengths ? by_length.data() : nullptr, 0, step.rows()};
  run_team(step.shape().threads, [&](Member& member) {
    const ArithmeticScope scope(arithmetic);
    step.compute_rows(member, examples, rows, network_.training_steps, interruption,
                      [&] { result.interrupted = interruption.abandoned(); });
    if (!result.interrupted) step.update_parameters(member, nullptr, true, [] {});
  });
  std::copy(state.begin(), state.end(), network_.state().data());
  result.steps = result.interrupted ? 0 : 1;
  result.penalty = step.penalty();
  result.loss = step.cost(examples, rows) + result.penalty;
  for (Size o = 0; network_.output_count() > 1 && o < network_.output_count(); ++o)
    result.losses.push_back(step.cost(o, examples, rows));
  return result;
}

template class Trainer<float>;
template class Trainer<double>;

}  // namespace multicapa
