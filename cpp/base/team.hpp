// The team of threads: the only home of OpenMP. A team works through phases; a phase is a fixed list of tasks, and all
// of them are done before the next phase starts. Which thread takes a task never changes what the task computes.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>

#include "base/types.hpp"

namespace multicapa {

// What the members of a team share. A phase ends when its tasks are done, not when everybody has arrived: a member that
// the system has set aside holds nobody up, the others take its tasks.
class Team {
 public:
  static constexpr Size slots = 256;  // tasks t, t + slots, … are claimed together

  bool claim(Size slot, std::uint64_t phase);
  // `tasks` more are done; true for the caller who finished the phase, which ends at `target` tasks in all.
  bool finish(std::uint64_t tasks, std::uint64_t target) { return finished_.fetch_add(tasks) + tasks == target; }
  void close(std::uint64_t phase) { closed_.store(phase, std::memory_order_release); }

  using Clock = std::chrono::steady_clock;
  // `start`: when the caller entered the phase. A wait out of proportion to the work means that the system has set
  // somebody aside in the middle of a task: cores are shared. Then all members but the first rest for a while, and
  // runs that start meanwhile have no others.
  void wait_for(std::uint64_t phase, Clock::time_point start);
  static bool rests_at(Clock::time_point now);
  void rest() const;
  void finish_run() { over_.store(true, std::memory_order_relaxed); }

 private:
  struct alignas(64) Claim {
    std::atomic<std::uint64_t> phase{0};  // the last one in which the slot was taken
  };
  std::array<Claim, slots> claims_;
  alignas(64) std::atomic<std::uint64_t> finished_{0};
  alignas(64) std::atomic<std::uint64_t> closed_{0};
  alignas(64) std::atomic<bool> over_{false};
};

// One thread's part in the team. Members run the same sequence of phases and, outside tasks, touch only what is theirs:
// a late member may still be walking through phases that the others have long closed.
class Member {
 public:
  Member(int index, int count, Team* team) : index_(index), count_(count), team_(team) {}
  int index() const { return index_; }

  // Runs task(0) … task(tasks − 1) and then, once, closing(), each on some member.
  template <class Task, class Closing> void phase(Size tasks, Task&& task, Closing&& closing) {
    if (tasks == 0) return phase(1, nothing, closing);  // somebody must close it
    if (count_ == 1) {
      for (Size t = 0; t < tasks; ++t) task(t);
      return closing();
    }
    ++phase_;
    const Team::Clock::time_point start = Team::Clock::now();
    if (index_ > 0 && Team::rests_at(start)) team_->rest();
    target_ += static_cast<std::uint64_t>(tasks);
    const Size slots = tasks < Team::slots ? tasks : Team::slots, own = slots * index_ / count_;
    std::uint64_t done = 0;
    for (Size i = 0; i < slots; ++i) {  // its own first, the same at each step, since they lie in its caches
      const Size slot = own + i < slots ? own + i : own + i - slots;
      if (!team_->claim(slot, phase_)) continue;
      for (Size t = slot; t < tasks; t += Team::slots, ++done) task(t);
    }
    if (done > 0 && team_->finish(done, target_)) {
      closing();
      team_->close(phase_);
    }
    team_->wait_for(phase_, start);
  }
  template <class Task> void phase(Size tasks, Task&& task) {
    phase(tasks, task, [] {});
  }

 private:
  static void nothing(Size) {}

  const int index_;
  const int count_;
  Team* const team_;
  std::uint64_t phase_ = 0;
  std::uint64_t target_ = 0;  // tasks of all phases so far
};

// Runs body on `threads` threads, the calling one as member 0, or on fewer where the system has no more to give; with
// one thread there is no parallel region at all. The body must not throw then.
void run_team(int threads, const std::function<void(Member&)>& body);

// What the user or the environment allows: set_max_threads, or the least of OpenMP's own limit (OMP_NUM_THREADS,
// threadpoolctl), the affinity mask and the cgroup's quota; in a forked child 1, since the threads of the parent did
// not come along.
int max_threads();
int forks();                        // that lie between this process and the one which loaded the library
void set_max_threads(int threads);  // 0: back to what the environment says

// At most so many for work that this thread asks for; 0 for no such limit. Returns the limit before.
int limit_threads_here(int threads);

// As many threads as are allowed and as the work repays: at least `work_per_thread` each.
int threads_for(double work, double work_per_thread);

}  // namespace multicapa
