// What a network is given to learn from or to be judged by: samples of all its inputs, and answers for all its outputs.
#pragma once

#include <algorithm>
#include <vector>

#include "network/pass.hpp"

namespace multicapa {

template <class T> struct Examples {
  Examples() = default;
  // Of a network with one input and one output.
  Examples(const Samples<T>& samples)  // NOLINT(google-explicit-constructor)
      : count(samples.count), inputs{{samples.x, samples.lengths}}, outputs{samples} {}

  Size count = 0;
  std::vector<InputRows> inputs;
  std::vector<Samples<T>> outputs;  // with the lengths of their own steps; the first with the first input's x

  // By which the samples of a batch are sorted: those of the first input that has any.
  const Size* lengths() const {
    for (const InputRows& input : inputs)
      if (input.lengths) return input.lengths;
    return nullptr;
  }
  Size count_ragged() const {
    return std::count_if(inputs.begin(), inputs.end(), [](const InputRows& input) { return input.lengths; });
  }
};

}  // namespace multicapa
