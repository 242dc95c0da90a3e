// The most one core can do: chains of multiply-adds in registers, as many as hide their latency. Tiles are not counted.

#include "bench.hpp"

namespace multicapa::bench {
namespace {

constexpr int chains = 12;  // with the two constants they fit the 16 registers of AVX2
constexpr Size rounds = 4096;

// This file is compiled for the base set of the architecture, so each function names the set it measures. The chains
// start from different numbers, and none from their limit 2, or the compiler would see through some of them.
#define MULTICAPA_CHAINS(name, attributes, bytes)                                             \
  template <class T> attributes T name() {                                                    \
    typedef T Vector __attribute__((vector_size(bytes)));                                     \
    const Vector half = Vector{} + T(0.5), one = Vector{} + T(1);                             \
    Vector sum[chains];                                                                       \
    for (int c = 0; c < chains; ++c) sum[c] = Vector{} + (T(c) + T(0.25));                    \
    for (Size r = 0; r < rounds; ++r) {                                                       \
      _Pragma("GCC unroll 12") for (int c = 0; c < chains; ++c) sum[c] = sum[c] * half + one; \
    }                                                                                         \
    for (int c = 1; c < chains; ++c) sum[0] += sum[c];                                        \
    return sum[0][0];                                                                         \
  }

#if defined(__x86_64__)
MULTICAPA_CHAINS(chains_v2, __attribute__((noinline)), 16)
MULTICAPA_CHAINS(chains_v3, __attribute__((noinline, target("avx2,fma"))), 32)
MULTICAPA_CHAINS(chains_v4, __attribute__((noinline, target("avx512f"))), 64)
#else
MULTICAPA_CHAINS(chains_baseline, __attribute__((noinline)), 16)
#endif

template <class T> struct Peak {
  T (*run)();
  Size bytes;  // of a register
};

template <class T> Peak<T> peak_of([[maybe_unused]] const std::string& isa) {
#if defined(__x86_64__)
  if (isa == "v4" || isa == "amx") return {chains_v4<T>, 64};
  if (isa == "v3") return {chains_v3<T>, 32};
  return {chains_v2<T>, 16};
#else
  return {chains_baseline<T>, 16};
#endif
}

template <class T> Record measure_peak(double seconds) {
  const Peak<T> peak = peak_of<T>(kernels<T>().isa);
  const double lanes = static_cast<double>(peak.bytes) / sizeof(T);
  expect_close("the sum of the chains", peak.run(), 2 * chains, 1e-4);
  volatile T sink;
  const Measurement time = measure(seconds, [&] { sink = peak.run(); });
  return {time, {{"GFLOP/s", 2e-9 * lanes * chains * static_cast<double>(rounds) / time.seconds}}};
}

}  // namespace

void add_peak_cases(Cases& cases) {
  cases.push_back({"peak/fma/float", measure_peak<float>});
  cases.push_back({"peak/fma/double", measure_peak<double>});
}

}  // namespace multicapa::bench
