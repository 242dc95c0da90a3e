#include <algorithm>
#include <cmath>
#include <cstdio>

#include "bench.hpp"

namespace multicapa::bench {

Measurement summarize(std::vector<double> samples) {
  std::sort(samples.begin(), samples.end());
  const auto quantile = [&](double part) {
    return samples[static_cast<std::size_t>(part * static_cast<double>(samples.size() - 1) + 0.5)];
  };
  const double median = quantile(0.5);
  return {median, samples.front(), (quantile(0.75) - quantile(0.25)) / median, static_cast<Size>(samples.size())};
}

void expect_close(const std::string& what, double got, double expected, double tolerance) {
  if (std::abs(got - expected) <= tolerance) return;
  char text[128];
  std::snprintf(text, sizeof text, " is %.9g, should be %.9g within %.2g", got, expected, tolerance);
  throw Mismatch(what + text);
}

}  // namespace multicapa::bench
