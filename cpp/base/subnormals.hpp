// While one of these lives, its thread takes numbers below the normal range for zeros, whether read or made. Processors
// take a hundred times as long for them, and training makes many: momenta of weights that get no gradient any more,
// gradients of samples that are learned. Afterwards everything is as it was, for Python and whoever else runs there.
#pragma once

#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace multicapa {

class FlushSubnormals {
 public:
  explicit FlushSubnormals(bool wanted) : before_(mode()) {
    if (wanted) set_mode(before_ | flush);
  }
  ~FlushSubnormals() { set_mode(before_); }
  FlushSubnormals(const FlushSubnormals&) = delete;
  FlushSubnormals& operator=(const FlushSubnormals&) = delete;

 private:
#if defined(__SSE2__)
  using Mode = unsigned;
  static constexpr Mode flush = _MM_FLUSH_ZERO_ON | 0x0040;  // and inputs too
  static Mode mode() { return _mm_getcsr(); }
  static void set_mode(Mode mode) { _mm_setcsr(mode); }
#elif defined(__aarch64__)
  using Mode = unsigned long;
  static constexpr Mode flush = Mode{1} << 24;
  static Mode mode() {
    Mode mode;
    asm volatile("mrs %0, fpcr" : "=r"(mode));
    return mode;
  }
  static void set_mode(Mode mode) { asm volatile("msr fpcr, %0" : : "r"(mode)); }
#else
  using Mode = int;
  static constexpr Mode flush = 0;
  static Mode mode() { return 0; }
  static void set_mode(Mode) {}
#endif

  const Mode before_;
};

}  // namespace multicapa
