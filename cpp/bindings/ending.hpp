// The end of the interpreter, when daemon threads may still be in the core: they leave it before the libraries under it
// are taken down, and wait for the process to end.
#pragma once

#include <atomic>
#include <thread>

#include "bindings/gil.hpp"

namespace multicapa {

class Ending {
 public:
  // At Python's exit, with the GIL: asks the other threads to leave the core, and waits for them for a while.
  static void begin() {
    ender_ = std::this_thread::get_id();
    const WithoutGil no_gil;
    const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(3);
    while (calls_ > 0 && std::chrono::steady_clock::now() < patience)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  static bool for_this_thread() {
    const std::thread::id ender = ender_.load(std::memory_order_relaxed);
    return ender != std::thread::id() && ender != std::this_thread::get_id();
  }

  // While it lives, the calling thread is in the core. When the end has come, leave() is called and nothing after it.
  template <class Leave> class Call {
   public:
    explicit Call(const Leave& leave) : leave_(leave) { ++calls_; }
    ~Call() {
      --calls_;
      if (!for_this_thread()) return;
      leave_();
      wait_for_the_end();
    }
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

   private:
    const Leave leave_;
  };

 private:
  static inline std::atomic<std::thread::id> ender_{};
  static inline std::atomic<int> calls_{0};
};

}  // namespace multicapa
