// A network that is dense layers and activations one after another, and so small that one kernel does its whole turn:
// gather, forward, loss and backward. See kernels/chain.hpp.
#pragma once

#include <memory>
#include <vector>

#include "base/memory.hpp"
#include "kernels/chain/chain.hpp"
#include "training/objective.hpp"

namespace multicapa {

template <class T> class Chain {
 public:
  // Null where the network is none or does not gain from it, which follows from shapes and options alone.
  static std::unique_ptr<Chain> plan(Network<T>& network, const Objective<T>& objective, Size rows);

  // The gradients are left in the network. Returns the sum of the weighted costs.
  double run(const Samples<T>& samples, const BatchRows& batch, T scale);

 private:
  Chain(Network<T>& network, const Objective<T>& objective, Size rows);
  void add_layer(Network<T>& network, Size node, Size end);
  Size lay_out(T* memory, Size rows);

  double (*const train_)(ChainPlan<T>&, const ChainBatch<T>&, T);
  std::vector<ChainLayer<T>> layers_;
  ChainPlan<T> plan_{};
  Buffer<T> memory_;
};

}  // namespace multicapa
