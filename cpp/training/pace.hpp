// How many threads share a step: as many as measurements say, since a second core may help, or be busy with other work,
// or be so far away that two take longer than one. Results do not depend on it.
#pragma once

#include <chrono>
#include <vector>

#include "base/types.hpp"

namespace multicapa {

class Pace {
 public:
  using Clock = std::chrono::steady_clock;
  using Duration = std::chrono::duration<double>;

  struct Stretch {
    int threads;
    Size steps;
  };

  // At most so many threads, for steps of so much work.
  Pace(int most_threads, double multiplications);

  // How to go on, with so many steps to come.
  Stretch next(Size steps) const;
  void report(const Stretch& stretch, Clock::duration taken);

 private:
  // Halves of the most threads, down to one.
  struct Candidate {
    int threads;
    Duration step{0};  // the best seen lately, 0 before the first
    int seen = 0;
  };
  std::size_t neighbour() const;  // of the best, whose turn it is to be tried
  Duration length() const;        // of the present trial, or of the time until the next

  std::vector<Candidate> candidates_;
  std::size_t best_ = 0;
  bool trying_ = false;  // a neighbour's trial
  Duration since_{0};    // spent on it, or since the last
  int turn_ = 0;
  Duration step_;  // how long one takes, to begin with by its work
};

}  // namespace multicapa
