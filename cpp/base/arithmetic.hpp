// While one of these lives, its thread rounds to nearest and traps nothing, whatever mode its caller is in: threads of
// a team would differ otherwise, and results with their number. Training also takes numbers below the normal range for
// zeros, whether read or made. Processors take a hundred times as long for them, and training makes many: momenta of
// weights that get no gradient any more, gradients of samples that are learned. Afterwards everything is as it was, for
// Python and whoever else runs there.
#pragma once

#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace multicapa {

enum class Arithmetic {
  as_it_is,  // where functions of the user's run
  plain,
  flushing,
};

class ArithmeticScope {
 public:
  explicit ArithmeticScope(Arithmetic arithmetic) : before_(mode()) {
    if (arithmetic == Arithmetic::as_it_is) return;
    const Mode wanted = arithmetic == Arithmetic::flushing ? standard | flush : standard;
    if ((before_ & ~seen) == wanted) return;
    changed_ = true;
    set_mode(wanted);
  }
  ~ArithmeticScope() {
    if (changed_) set_mode(before_);
  }
  ArithmeticScope(const ArithmeticScope&) = delete;
  ArithmeticScope& operator=(const ArithmeticScope&) = delete;

 private:
#if defined(__SSE2__)
  using Mode = unsigned;
  static constexpr Mode standard = _MM_MASK_MASK, flush = _MM_FLUSH_ZERO_ON | 0x0040;  // and inputs too
  static constexpr Mode seen = _MM_EXCEPT_MASK;                                        // what has happened so far
  static Mode mode() { return _mm_getcsr(); }
  static void set_mode(Mode mode) { _mm_setcsr(mode); }
#elif defined(__aarch64__)
  using Mode = unsigned long;
  static constexpr Mode standard = 0, flush = Mode{1} << 24, seen = 0;
  static Mode mode() {
    Mode mode;
    asm volatile("mrs %0, fpcr" : "=r"(mode));
    return mode;
  }
  static void set_mode(Mode mode) { asm volatile("msr fpcr, %0" : : "r"(mode)); }
#else
  using Mode = int;
  static constexpr Mode standard = 0, flush = 0, seen = 0;
  static Mode mode() { return 0; }
  static void set_mode(Mode) {}
#endif

  const Mode before_;
  bool changed_ = false;
};

}  // namespace multicapa
