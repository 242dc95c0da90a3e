// A network that takes its sequences step by step and keeps its state between them.
#pragma once

#include <memory>
#include <vector>

#include "network/pass.hpp"

namespace multicapa {

template <class T> class Stream {
 public:
  // one_step: the network's layers, of which the first reads a single step. Weights are the network's at each step.
  Stream(std::shared_ptr<Network<T>> network, const std::vector<Spec>& one_step, Size samples);

  // Back to the state before the first step.
  void reset();
  // From the present step of all samples to the network's output after it.
  void step(const T* x, T* y);

  bool reads(const Network<T>& network) const { return network_.get() == &network; }
  Size samples() const { return samples_; }
  Size input_width() const { return one_.input_width(); }
  Size output_width() const { return one_.output_width(); }

 private:
  const std::shared_ptr<Network<T>> network_;
  Network<T> one_;
  const Size samples_;
  Workspace<T> workspace_;
  Pass<T> pass_;
  struct Carried {
    Size node;
    Buffer<T> states;
  };
  std::vector<Carried> carried_;
};

}  // namespace multicapa
