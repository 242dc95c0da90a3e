#include "base/memory.hpp"

#include <cstdlib>
#include <cstring>
#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace multicapa {
namespace {

constexpr std::size_t huge_page = std::size_t{2} << 20;

}  // namespace

void* allocate_zeroed(std::size_t count, std::size_t size) {
  std::size_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes)) throw std::bad_alloc();
  if (bytes == 0) return nullptr;
  // Matrices are walked in strides of a row; with small pages that misses the TLB at every step.
  const bool large = bytes >= 2 * huge_page;
  const std::size_t unit = large ? huge_page : alignment;
  const std::size_t rounded = (bytes + unit - 1) / unit * unit;
  void* memory = rounded >= bytes ? std::aligned_alloc(unit, rounded) : nullptr;
  if (!memory) throw std::bad_alloc();
#if defined(__linux__)
  if (large) madvise(memory, rounded, MADV_HUGEPAGE);
#endif
  std::memset(memory, 0, rounded);
  return memory;
}

void release(void* memory) { std::free(memory); }

}  // namespace multicapa
