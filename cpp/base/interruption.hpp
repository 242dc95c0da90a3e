// Lets long work be stopped: the first member of a team looks for an interrupt now and then.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>

namespace multicapa {

// Called on the calling thread with the share of the work that is done; true means stop.
using Look = std::function<bool(double done)>;

class Interruption {
 public:
  Interruption(const Look& look, double total_work) : look_(look), total_work_(total_work) {}

  // By the first member, after each task; work in multiplications.
  void report(double work) {
    unseen_ += work;
    if (unseen_ >= work_between_looks) look_again();
  }
  // The same within a long task, whose work it will report as a whole; true when it may as well end.
  bool look_within_task(double work) {
    unlooked_ += work;
    if (unlooked_ >= work_between_looks) unlooked_ = 0, look();
    return abandoned();
  }
  // Tasks are skipped from here on.
  bool abandoned() const { return abandoned_.load(std::memory_order_relaxed); }

 private:
  static constexpr double work_between_looks = 2e6;  // some tens of microseconds: the clock is not free

  void look_again() {
    done_ += unseen_;
    unseen_ = 0;
    look();
  }

  void look() {
    const auto now = std::chrono::steady_clock::now();
    if (!look_ || abandoned() || now - last_ < std::chrono::milliseconds(30)) return;
    last_ = now;
    if (look_(total_work_ > 0 ? done_ / total_work_ : 0)) abandoned_.store(true, std::memory_order_relaxed);
  }

  const Look& look_;
  const double total_work_;
  double unseen_ = 0, done_ = 0, unlooked_ = 0;
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
  std::atomic<bool> abandoned_{false};
};

}  // namespace multicapa
