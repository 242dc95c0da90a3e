// What Python hands over to learn from or to be judged by, checked; the core reads it where it lies.
#pragma once

#include <algorithm>
#include <tuple>
#include <utility>

#include "bindings/convert.hpp"
#include "training/examples.hpp"

namespace multicapa {

// What a fit or an evaluation is given: (x, lengths) of each input and (targets, on, off, weights) of each output. The
// arrays stay referenced while the core reads them.
using GivenInputs = std::vector<std::pair<py::array, py::object>>;
using GivenOutputs = std::vector<std::tuple<py::array, double, double, py::object>>;
struct Given {
  const GivenInputs& inputs;
  const GivenOutputs& outputs;
};

// How messages call one of several inputs or outputs.
template <class T> std::string name_of(const char* what, Size count, const Node<T>& node) {
  return count == 1 ? what : std::string(what) + " of \"" + node.name + "\"";
}

template <class T> std::string input_name(const Network<T>& network, Size i) {
  return name_of<T>("X", network.input_count(), network.nodes()[static_cast<std::size_t>(i)]);
}

template <class T> const Size* to_lengths(const Network<T>& network, const py::object& given, Size count, Size input) {
  const Size* const lengths = to_vector<Size>(given, count, "lengths");
  const Size longest = network.nodes()[static_cast<std::size_t>(input)].steps;
  for (Size i = 0; lengths && i < count; ++i)
    if (lengths[i] < 0 || lengths[i] > longest)
      throw InvalidArgument("sample " + std::to_string(i) + " has " + std::to_string(lengths[i]) +
                            " steps, but the network takes 0 to " + std::to_string(longest));
  return lengths;
}

template <class T> std::vector<InputRows> to_inputs(const Network<T>& network, const GivenInputs& given) {
  if (static_cast<Size>(given.size()) != network.input_count())
    throw InvalidArgument("expected " + std::to_string(network.input_count()) + " inputs, not " +
                          std::to_string(given.size()));
  std::vector<InputRows> inputs;
  std::vector<bool> ragged;
  for (const auto& [x, lengths] : given) {
    const Size i = static_cast<Size>(inputs.size());
    const std::string name = input_name(network, i);
    inputs.push_back({to_rows(x, network.input_width(i), name.c_str())});
    if (x.shape(0) != given[0].first.shape(0))
      throw InvalidArgument(name + " has " + std::to_string(x.shape(0)) + " samples, and " + input_name(network, 0) +
                            " has " + std::to_string(given[0].first.shape(0)));
    inputs.back().lengths = to_lengths(network, lengths, x.shape(0), i);
    ragged.push_back(inputs.back().lengths != nullptr);
  }
  if (std::find(ragged.begin(), ragged.end(), true) != ragged.end()) network.check_takes_lengths(ragged);
  return inputs;
}

template <class T> Samples<T> to_answers(const Network<T>& network, Size output, const py::array& targets, Size count) {
  const std::string name = name_of<T>("y", network.output_count(), network.output(output));
  Samples<T> samples;
  samples.count = count;
  if (targets.ndim() < 1 || targets.shape(0) != count)
    throw InvalidArgument(name + " should have " + std::to_string(count) + " samples like X");
  if (!py::isinstance<py::array_t<Size>>(targets)) {
    samples.targets = to_rows(targets, network.output_width(output), name.c_str());
    return samples;
  }
  const Size steps = std::max<Size>(network.output_steps(output), 1);
  const Size classes = network.output_width(output) / steps;
  samples.classes = to_vector<Size>(targets, count * steps, name.c_str());
  for (Size i = 0; i < count * steps; ++i)
    if (samples.classes[i] < 0 || samples.classes[i] >= classes)
      throw InvalidArgument(name + " has class " + std::to_string(samples.classes[i]) + " at sample " +
                            std::to_string(i / steps) + ", but the network has " + std::to_string(classes) +
                            " outputs");
  return samples;
}

template <class T> Examples<T> to_examples(const Network<T>& network, const Given& given) {
  Examples<T> examples;
  examples.inputs = to_inputs(network, given.inputs);
  examples.count = given.inputs[0].first.shape(0);
  if (examples.count < 1) throw InvalidArgument("X has no samples");
  if (static_cast<Size>(given.outputs.size()) != network.output_count())
    throw InvalidArgument("expected targets of " + std::to_string(network.output_count()) + " outputs, not " +
                          std::to_string(given.outputs.size()));
  for (const auto& [targets, on, off, weights] : given.outputs) {
    const Size o = static_cast<Size>(examples.outputs.size());
    Samples<T> samples = to_answers(network, o, targets, examples.count);
    samples.on = static_cast<T>(on), samples.off = static_cast<T>(off);
    samples.step_weights = !weights.is_none() && py::cast<py::array>(weights).ndim() == 2;
    const Size steps = samples.step_weights ? std::max<Size>(network.output_steps(o), 1) : 1;
    samples.weights = to_vector<T>(weights, examples.count * steps, "sample_weight");
    const Node<T>& node = network.output(o);
    if (node.in_time()) samples.lengths = examples.inputs[static_cast<std::size_t>(node.time)].lengths;
    examples.outputs.push_back(samples);
  }
  examples.outputs[0].x = examples.inputs[0].x;
  return examples;
}

}  // namespace multicapa
