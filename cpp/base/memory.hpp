// The one place that asks the system for the memory networks compute in.
#pragma once

#include <cstddef>
#include <utility>

#include "base/types.hpp"

namespace multicapa {

constexpr std::size_t alignment = 64;  // a cache line, and the widest register

void* allocate_zeroed(std::size_t count, std::size_t size);  // throws std::bad_alloc
void release(void* memory);

// A zeroed, aligned array of numbers that never grows.
template <class T> class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(Size count)
      : data_(static_cast<T*>(allocate_zeroed(static_cast<std::size_t>(count), sizeof(T)))), count_(count) {}
  Buffer(Buffer&& other) noexcept { *this = std::move(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(count_, other.count_);
    return *this;
  }
  ~Buffer() { release(data_); }

  T* data() { return data_; }
  const T* data() const { return data_; }
  Size size() const { return count_; }

 private:
  T* data_ = nullptr;
  Size count_ = 0;
};

// Counts elements while a plan is made; every piece starts on a cache line.
template <class T> class Layout {
 public:
  Size place(Size count) {
    const Size start = total_;
    total_ += aligned<T>(count);
    return start;
  }
  Size total() const { return total_; }

 private:
  Size total_ = 0;
};

}  // namespace multicapa
