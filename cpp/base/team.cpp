#include "base/team.hpp"

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#if defined(__linux__) || defined(__APPLE__)
#include <pthread.h>
#endif

namespace multicapa {
namespace {

constexpr std::chrono::microseconds shortest_stall{1500};  // waking up takes less, a turn of the scheduler more
constexpr std::chrono::microseconds nap{200};
constexpr std::chrono::milliseconds length_of_rest{40};  // ten times what the system takes away at a time
std::atomic<Team::Clock::rep> rest_ends{0};

void rest_from(Team::Clock::time_point now) {
  rest_ends.store((now + length_of_rest).time_since_epoch().count(), std::memory_order_relaxed);
}

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Processors that a container may use, from cgroup v2's "quota period" or v1's two files; 0 when unlimited.
int cgroup_processors() {
  std::string quota, period;
  if (std::ifstream v2("/sys/fs/cgroup/cpu.max"); v2 >> quota >> period) {
  } else {
    std::ifstream v1_quota("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"), v1_period("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
    if (!(v1_quota >> quota) || !(v1_period >> period)) return 0;
  }
  const double share = std::atof(quota.c_str()), slice = std::atof(period.c_str());
  return share > 0 && slice > 0 ? std::max(1, static_cast<int>(std::ceil(share / slice))) : 0;
}

int processors() {
  const int all = omp_get_num_procs();  // respects the affinity mask
  const int quota = cgroup_processors();
  return std::max(1, quota ? std::min(all, quota) : all);
}

std::atomic<int> user_threads{0};
thread_local int limit_here = 0;
std::atomic<int> fork_count{0};

#if defined(__linux__) || defined(__APPLE__)
const int watch_for_forks = pthread_atfork(nullptr, nullptr, [] { fork_count.fetch_add(1); });
#endif

#if defined(__linux__)
constexpr std::size_t least_stack = 256 * 1024;  // for a block of B and the frames of BLAS

// OpenMP's runtime ends the process when it gets no thread. So threads that a team has not had before are asked for
// here first, all at once, and let go.
int obtainable(int threads) {
  std::vector<pthread_t> asked;
  asked.reserve(static_cast<std::size_t>(threads));
  pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&gate);
  const auto wait_at_gate = [](void* mutex) -> void* {
    pthread_mutex_lock(static_cast<pthread_mutex_t*>(mutex));
    pthread_mutex_unlock(static_cast<pthread_mutex_t*>(mutex));
    return nullptr;
  };
  pthread_t made;
  while (static_cast<int>(asked.size()) < threads && pthread_create(&made, nullptr, wait_at_gate, &gate) == 0)
    asked.push_back(made);
  pthread_mutex_unlock(&gate);
  for (const pthread_t thread : asked) pthread_join(thread, nullptr);
  return static_cast<int>(asked.size());
}

// As many of the calling thread's own team as there can be.
int available_of(int threads) {
  thread_local int team = 1;  // those it had last; the runtime keeps no others
  if (threads > team) threads = team + obtainable(threads - team);
  return team = threads;
}

// Whether the calling thread has room for the work; OMP_STACKSIZE may have left it none.
bool has_stack() {
  thread_local const bool enough = [] {
    pthread_attr_t attributes;
    if (pthread_getattr_np(pthread_self(), &attributes) != 0) return true;
    std::size_t size = 0;
    pthread_attr_getstacksize(&attributes, &size);
    pthread_attr_destroy(&attributes);
    return size >= least_stack;
  }();
  return enough;
}
#else
int available_of(int threads) { return threads; }
bool has_stack() { return true; }
#endif

}  // namespace

bool Team::claim(Size slot, std::uint64_t phase) {
  std::atomic<std::uint64_t>& last = claims_[static_cast<std::size_t>(slot)].phase;
  std::uint64_t seen = last.load(std::memory_order_relaxed);
  return seen < phase && last.compare_exchange_strong(seen, phase, std::memory_order_acq_rel);
}

// Tasks are short, so spin; but cores are shared, so yield once it takes longer than a task would.
void Team::wait_for(std::uint64_t phase, Clock::time_point start) {
  for (int spins = 0; spins < 2000; ++spins) {
    if (closed_.load(std::memory_order_acquire) >= phase) return;
    pause();
  }
  const Clock::time_point now = Clock::now();
  const Clock::time_point patience = now + std::max<Clock::duration>(shortest_stall, 4 * (now - start));
  while (closed_.load(std::memory_order_acquire) < phase) std::this_thread::yield();
  if (const Clock::time_point end = Clock::now(); end > patience) rest_from(end);
}

bool Team::rests_at(Clock::time_point now) {
  return now.time_since_epoch().count() < rest_ends.load(std::memory_order_relaxed);
}

void Team::rest() const {
  while (!over_.load(std::memory_order_relaxed) && rests_at(Clock::now())) std::this_thread::sleep_for(nap);
}

void run_team(int threads, const std::function<void(Member&)>& body) {
  if (threads > 1) threads = Team::rests_at(Team::Clock::now()) ? 1 : available_of(threads);
  if (threads <= 1) {
    Member alone(0, 1, nullptr);
    return body(alone);
  }
  Team team;
  const Team::Clock::time_point start = Team::Clock::now();
  Team::Clock::duration at_work{};
#pragma omp parallel num_threads(threads)
  {
    // The runtime may hand out fewer threads than asked for.
    Member member(omp_get_thread_num(), omp_get_num_threads(), &team);
    const Team::Clock::time_point entry = Team::Clock::now();
    if (member.index() == 0 || has_stack()) body(member);
    if (member.index() == 0) {
      team.finish_run();
      at_work = Team::Clock::now() - entry;
    }
  }
  // Others that come late or leave late are a stall too.
  if (const Team::Clock::time_point end = Team::Clock::now(); end - start - at_work > shortest_stall) rest_from(end);
}

int forks() { return fork_count.load(std::memory_order_relaxed); }

int max_threads() {
  if (forks() > 0) return 1;
  static const int available = processors();
  const int wanted = user_threads.load(std::memory_order_relaxed);
  // Asked each time: OMP_NUM_THREADS to begin with, later what threadpoolctl and the like have set.
  const int threads = wanted > 0 ? wanted : std::min(available, omp_get_max_threads());
  return limit_here > 0 ? std::min(limit_here, threads) : threads;
}

void set_max_threads(int threads) { user_threads.store(threads, std::memory_order_relaxed); }

int limit_threads_here(int threads) { return std::exchange(limit_here, threads); }

int threads_for(double work, double work_per_thread) {
  const double repaid = std::max(1.0, std::floor(work / work_per_thread));
  return static_cast<int>(std::min(static_cast<double>(max_threads()), repaid));
}

}  // namespace multicapa
