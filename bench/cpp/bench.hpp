// What the files of the benchmark share: a case, the clock, and the checks that come before any timing.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "base/memory.hpp"
#include "kernels/table.hpp"

namespace multicapa::bench {

// Of one operation, over many samples.
struct Measurement {
  double seconds = 0;  // the median
  double best = 0;
  double spread = 0;  // distance of the quartiles as a part of the median: what neighbours on the machine do to it
  Size samples = 0;
};

struct Figure {
  std::string unit;
  double value;
};

struct Record {
  Measurement time;
  std::vector<Figure> figures;
  int threads = 1;
  double reference = 0;  // what the first figure is compared with, or 0
};

// Checks its results first, throwing Mismatch, then measures for about so many seconds.
struct Case {
  std::string name;
  std::function<Record(double seconds)> run;
};
using Cases = std::vector<Case>;

void add_peak_cases(Cases& cases);
void add_gemm_cases(Cases& cases);
void add_kernel_cases(Cases& cases);
void add_step_cases(Cases& cases, int threads);

// --- checks --------------------------------------------------------------------------------------------------------

struct Mismatch : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Fails when they differ by more than `tolerance`, or when either is NaN.
void expect_close(const std::string& what, double got, double expected, double tolerance);

// --- time ----------------------------------------------------------------------------------------------------------

template <class Work> double seconds_of(Work&& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

Measurement summarize(std::vector<double> samples);

// Each call of `sample` returns the seconds of one operation; it is called until the budget is used up, and for a
// tenth of it beforehand, until caches are warm and the processor has found its pace.
template <class Sample> Measurement measure_samples(double budget, Sample&& sample) {
  constexpr std::size_t least = 5;
  for (double spent = 0; spent < budget / 10;) spent += seconds_of(sample);
  std::vector<double> samples;
  for (double spent = 0; spent < budget || samples.size() < least;)
    spent += seconds_of([&] { samples.push_back(sample()); });
  return summarize(std::move(samples));
}

// For work far shorter than the clock's resolution: each sample is as many repetitions as make a millisecond.
template <class Work> Measurement measure(double budget, Work&& work) {
  constexpr double sample_seconds = 1e-3;
  const auto repeat = [&](Size times) {
    return seconds_of([&] {
      for (Size i = 0; i < times; ++i) work();
    });
  };
  Size times = 1;
  while (repeat(times) < sample_seconds) times *= 2;
  return measure_samples(budget, [&] { return repeat(times) / static_cast<double>(times); });
}

// --- data ----------------------------------------------------------------------------------------------------------

// The same numbers in every run and on every machine, which std::uniform_real_distribution does not promise.
class Random {
 public:
  explicit Random(std::uint64_t seed) : bits_(seed) {}
  double uniform(double low, double high) { return low + (high - low) * static_cast<double>(bits_() >> 11) * 0x1p-53; }
  Size below(Size end) { return static_cast<Size>(bits_() % static_cast<std::uint64_t>(end)); }

 private:
  std::mt19937_64 bits_;
};

template <class T> Buffer<T> random_buffer(Size count, std::uint64_t seed, double low = -1, double high = 1) {
  Random random(seed);
  Buffer<T> buffer(count);
  for (Size i = 0; i < count; ++i) buffer.data()[i] = static_cast<T>(random.uniform(low, high));
  return buffer;
}

template <class T> const char* type_name() { return sizeof(T) == sizeof(float) ? "float" : "double"; }

}  // namespace multicapa::bench
