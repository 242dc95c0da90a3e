// The nets of DESIGN.md's bar, and data from which they can learn.
#pragma once

#include "bench.hpp"
#include "kernels/samples.hpp"
#include "network/network.hpp"

namespace multicapa::bench {

struct Net {
  std::string name;
  std::vector<Size> sizes;
  std::string activation;  // of the hidden layers
  std::string output;      // of the last one
  std::string loss;
  Size batch;
  std::string optimizer;
  double rate;
  double reference;  // thousand samples per second: an early prototype's figure on a 2-core machine; 0 if there is none
  Shape shape = {};  // of an image or a series; sizes are then the numbers of its inputs and outputs
  std::vector<Spec> layers = {};  // behind the input
  double flops = 0;               // of a sample of such a net
};

const std::vector<Net>& nets();

// Two floating-point operations per multiplication; the first layer passes no gradient on.
double flops_per_sample(const Net& net);

// Initialised as Glorot & Bengio 2010, or He et al. 2015 where half of the numbers are cut off.
template <class T> void initialize(Network<T>& network, bool rectified, std::uint64_t seed);
std::vector<Spec> specify(const Net& net);

// Targets are simple functions of a few inputs with some noise, so that no gradient ever dies away: a net that
// has learned all there is would be timed on denormal numbers.
template <class T> class Data {
 public:
  Data(const Net& net, Size rows);
  Samples<T> samples() const;

 private:
  void draw_targets(const Net& net, Size row, Random& random);

  const Size rows_, in_, out_;
  std::vector<T> x_, targets_;
  std::vector<Size> classes_;
};

}  // namespace multicapa::bench
