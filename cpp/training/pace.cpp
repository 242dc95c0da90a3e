#include "training/pace.hpp"

#include <algorithm>

namespace multicapa {
namespace {

constexpr double multiplications_per_second = 2e10;
constexpr Pace::Duration shortest_trial{3e-4};  // far above what it takes to wake the threads
constexpr Pace::Duration longest_step{2e-3};    // for steps that are longer threads are worth their while
constexpr Pace::Duration least_step{1e-8};      // should the clock stand still
constexpr int first_trials = 3;                 // of each of the two, in turn
constexpr double rarity = 150;                  // later, between two trials, so many times as long as one
constexpr double forgetting = 1.03;             // of the best time: the machine may have changed
constexpr double advantage = 0.98;              // that makes another the best

}  // namespace

Pace::Pace(int most_threads, double multiplications) : step_(multiplications / multiplications_per_second) {
  const bool certain = step_ > longest_step;
  candidates_.push_back({most_threads});
  for (int threads = most_threads / 2; threads > 0 && !certain; threads /= 2) candidates_.push_back({threads});
}

std::size_t Pace::neighbour() const {
  const bool up = best_ > 0 && (turn_ % 2 == 0 || best_ + 1 == candidates_.size());
  return up ? best_ - 1 : best_ + 1;
}

Pace::Duration Pace::length() const {
  const bool settled = std::min(candidates_[best_].seen, candidates_[neighbour()].seen) >= first_trials;
  return settled && !trying_ ? rarity * shortest_trial : shortest_trial;
}

Pace::Stretch Pace::next(Size steps) const {
  if (candidates_.size() == 1) return {candidates_[0].threads, steps};
  const Size wanted = static_cast<Size>((length() - since_) / step_) + 1;
  return {candidates_[trying_ ? neighbour() : best_].threads, std::clamp<Size>(wanted, 1, steps)};
}

void Pace::report(const Stretch& stretch, Clock::duration taken) {
  if (candidates_.size() == 1) return;
  const auto same = [&](const Candidate& candidate) { return candidate.threads == stretch.threads; };
  Candidate& candidate = *std::find_if(candidates_.begin(), candidates_.end(), same);
  const Duration step = Duration(taken) / static_cast<double>(stretch.steps);
  candidate.step = ++candidate.seen == 1 ? step : std::min(step, candidate.step * forgetting);
  since_ += taken;
  const bool better = trying_ && candidate.step < candidates_[best_].step * advantage;
  if (better) best_ = static_cast<std::size_t>(&candidate - candidates_.data());
  step_ = std::max(candidates_[best_].step, least_step);
  if (!better && since_ < length()) return;
  since_ = Duration(0);
  if (trying_) ++turn_;
  trying_ = !trying_;
}

}  // namespace multicapa
