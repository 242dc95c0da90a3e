// What a training run minimises and how gradients are tamed before they are used.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "network/network.hpp"

namespace multicapa {

// Of one parameter tensor, beside those of all weights.
template <class T> struct OwnPenalty {
  T l1 = 0;
  T l2 = 0;
};

enum class GradientNorm { as_is, at_most, always };

template <class T> struct Objective {
  const LossKernel<T>* loss = nullptr;
  std::function<void(const LossCall<T>&)> custom_loss;  // instead of `loss`; runs on the calling thread and may throw
  T loss_parameter = 0;
  bool fused = false;  // the loss works on the logits, and the last node is left out while training
  T l1 = 0;
  T l2 = 0;
  T l2_shared = 0;             // more of it, divided by what the costs of a batch are divided by:
  bool weighted_mean = false;  // the sum of its weights instead of the number of its rows
  bool penalize_biases = false;
  std::vector<OwnPenalty<T>> own_penalties;  // one per parameter tensor, or none at all
  T weight_noise = 0;                        // standard deviations of what is added while training
  T target_noise = 0;
  GradientNorm norm = GradientNorm::as_is;
  T norm_limit = 0;
  bool clips_values = false;
  T clip_low = 0;
  T clip_high = 0;

  bool is_set() const { return loss || custom_loss; }
  bool has_common_penalty() const { return l1 != 0 || l2 != 0 || l2_shared != 0; }
  bool has_penalty() const { return has_common_penalty() || !own_penalties.empty(); }
  bool penalizes(const Tensor& tensor) const { return has_common_penalty() && (tensor.penalized || penalize_biases); }
};

// Finds the loss by name and pairs it with the network's output activation where that is stabler.
template <class T> void choose_loss(Objective<T>& objective, const Network<T>& network, const std::string& name);

}  // namespace multicapa
