// Whose turn it is to use a network: one caller at a time, and others wait.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "base/team.hpp"
#include "bindings/gil.hpp"

namespace multicapa {

enum class Work { reads, writes };  // the network's numbers

class Turns {
 public:
  // Called with the GIL, and never waits with it: who has the turn may need it. `forsaken` is called when the process
  // was forked while a reader had its turn, whose memory is not to be relied on then.
  template <class Forsaken> void begin(Work work, Forsaken&& forsaken) {
    if (owner_.load() == std::this_thread::get_id())
      throw std::runtime_error("this network is at work; what runs inside a fit cannot use it");
    if (!mutex_->try_lock()) {
      if (process_ != forks()) take_over(forsaken);
      const WithoutGil no_gil;
      mutex_->lock();
    }
    owner_ = std::this_thread::get_id();
    process_ = forks(), work_ = work;
  }
  void end() {
    owner_ = std::thread::id();
    mutex_->unlock();
  }

 private:
  // The thread whose turn it is stayed behind in the parent.
  template <class Forsaken> void take_over(Forsaken&& forsaken) {
    if (work_ == Work::writes)
      throw std::runtime_error(
          "this process was forked while another thread trained this network, whose copy here may be half updated; "
          "copy.deepcopy of it can be used, and a network that is copied before the fork");
    forsaken();
    auto fresh = std::make_unique<std::mutex>();
    static_cast<void>(mutex_.release());  // locked for ever
    mutex_ = std::move(fresh);
  }

  std::unique_ptr<std::mutex> mutex_ = std::make_unique<std::mutex>();
  std::atomic<std::thread::id> owner_{};
  int process_ = 0;  // in which the last turn began, and what for: written with the GIL
  Work work_ = Work::reads;
};

}  // namespace multicapa
