// Asking for cache lines before they are needed. In assembly, since the compiler takes a function that does nothing
// else for one without effect and drops its calls; static, since kernels for different processors must not share code.
#pragma once

namespace multicapa {

#if defined(__x86_64__)
#define MULTICAPA_PREFETCH(x86, arm, hint) asm volatile(x86 " %0" : : "m"(*static_cast<const char*>(line)))
#elif defined(__aarch64__)
#define MULTICAPA_PREFETCH(x86, arm, hint) asm volatile("prfm " arm ", %0" : : "Q"(*static_cast<const char*>(line)))
#else
#define MULTICAPA_PREFETCH(x86, arm, hint) __builtin_prefetch(line, hint)
#endif

static inline void prefetch(const void* line) { MULTICAPA_PREFETCH("prefetcht0", "pldl1keep", 0); }
static inline void prefetch_to_l2(const void* line) { MULTICAPA_PREFETCH("prefetcht1", "pldl2keep", 0); }
static inline void prefetch_to_write(const void* line) { MULTICAPA_PREFETCH("prefetchw", "pstl1keep", 1); }

#undef MULTICAPA_PREFETCH

}  // namespace multicapa
