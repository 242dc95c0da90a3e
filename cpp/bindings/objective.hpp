// What a call minimises, as Python holds it: it is handed over with each call, so that nobody trains by another's.
#pragma once

#include <memory>

#include "bindings/functions.hpp"
#include "training/objective.hpp"

namespace multicapa {

template <class T> struct PyObjective {
  std::shared_ptr<const Objective<T>> core;
  const Network<T>* network;  // it was made for
};

// Of one output: a loss by its name and parameter, or two functions of the user's.
struct LossOptions {
  std::string name;
  std::optional<double> parameter;
  double weight;
  std::optional<std::pair<py::function, py::function>> functions;
};

struct ObjectiveOptions {
  std::vector<LossOptions> losses;
  double l1, l2;
  bool penalize_biases;
  double weight_noise, target_noise;
  std::string norm;
  double norm_limit;
  std::optional<std::pair<double, double>> clip;
  double l2_shared;
  bool weighted_mean;
  std::vector<std::pair<double, double>> own_penalties;  // l1 and l2 of each parameter, or none
};

template <class T> void add_loss(Objective<T>& objective, const Network<T>& network, const LossOptions& options) {
  if (options.functions)
    add_custom_loss(objective, network, to_loss<T>(options.functions->first, options.functions->second));
  else add_loss(objective, network, options.name);
  OutputLoss<T>& loss = objective.losses.back();
  loss.weight = representable<T>(options.weight, "the weight of a loss");
  if (options.parameter) loss.parameter = representable<T>(*options.parameter, "the loss's parameter");
}

template <class T> Objective<T> to_objective(const Network<T>& network, const ObjectiveOptions& options) {
  Objective<T> objective;
  for (const LossOptions& loss : options.losses) add_loss(objective, network, loss);
  if (static_cast<Size>(objective.losses.size()) != network.output_count())
    throw InvalidArgument("expected a loss for each of " + std::to_string(network.output_count()) + " outputs");
  objective.l1 = representable<T>(options.l1, "l1"), objective.l2 = representable<T>(options.l2, "l2");
  objective.penalize_biases = options.penalize_biases;
  objective.weight_noise = representable<T>(options.weight_noise, "weight_noise");
  objective.target_noise = representable<T>(options.target_noise, "target_noise");
  objective.norm = options.norm == "at_most"  ? GradientNorm::at_most
                   : options.norm == "always" ? GradientNorm::always
                                              : GradientNorm::as_is;
  objective.norm_limit = representable<T>(options.norm_limit, "the gradient's norm");
  objective.l2_shared = representable<T>(options.l2_shared, "l2"), objective.weighted_mean = options.weighted_mean;
  const std::size_t own = options.own_penalties.size(), parameters = network.parameter_tensors().size();
  if (own && own != parameters)
    throw InvalidArgument("expected a pair of penalties for each of " + std::to_string(parameters) +
                          " parameters, not " + std::to_string(own));
  for (const auto& [l1, l2] : options.own_penalties)
    objective.own_penalties.push_back({representable<T>(l1, "l1"), representable<T>(l2, "l2")});
  objective.clips_values = options.clip.has_value();
  if (!options.clip) return objective;
  objective.clip_low = representable<T>(options.clip->first, "clip_value");
  objective.clip_high = representable<T>(options.clip->second, "clip_value");
  return objective;
}

}  // namespace multicapa
