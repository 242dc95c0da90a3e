// What a training run minimises and how gradients are tamed before they are used.
#pragma once

#include <algorithm>
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

// Of one of the network's outputs.
template <class T> struct OutputLoss {
  const LossKernel<T>* kernel = nullptr;
  std::function<void(const LossCall<T>&)> custom;  // instead of `kernel`; runs on the calling thread and may throw
  T parameter = 0;
  double weight = 1;   // of this output's mean cost in the sum that is minimised
  bool fused = false;  // the loss works on the logits, and the output's node is left out while training
  Size reads = 0;      // the node whose outputs it sees
};

template <class T> struct Objective {
  std::vector<OutputLoss<T>> losses;  // one per output
  std::vector<Size> left_out;         // nodes that do not run while training
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

  bool leaves_out(Size node) const { return std::find(left_out.begin(), left_out.end(), node) != left_out.end(); }
  bool calls_out() const {
    return std::any_of(losses.begin(), losses.end(), [](const OutputLoss<T>& loss) { return bool(loss.custom); });
  }
  bool has_common_penalty() const { return l1 != 0 || l2 != 0 || l2_shared != 0; }
  bool has_penalty() const { return has_common_penalty() || !own_penalties.empty(); }
  bool penalizes(const Tensor& tensor) const { return has_common_penalty() && (tensor.penalized || penalize_biases); }
};

// The loss of the next output, by name; paired with the output's activation where that is stabler.
template <class T> void add_loss(Objective<T>& objective, const Network<T>& network, const std::string& name);
// A loss of the user's.
template <class T>
void add_custom_loss(Objective<T>& objective, const Network<T>& network,
                     std::function<void(const LossCall<T>&)> function);

}  // namespace multicapa
