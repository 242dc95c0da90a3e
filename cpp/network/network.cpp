#include "network/network.hpp"

#include <algorithm>

namespace multicapa {
namespace {

// Rows whose distance is a multiple of a kilobyte fall into few sets of the cache and evict each other. Maps lie
// without gaps, so that the pixels of all samples are one matrix.
template <class T> Size padded_stride(const Shape& shape) {
  const Size width = elements(shape), bytes = width * static_cast<Size>(sizeof(T));
  return shape.size() == 1 && bytes >= 1024 && bytes % 1024 == 0 ? width + static_cast<Size>(alignment / sizeof(T))
                                                                 : width;
}

const std::string linear_part = ":linear";  // of a layer with an activation

// Recurrent layers apply theirs within each step.
bool keeps_activation(const Spec& spec) {
  return spec.type == "activation" || spec.type == "simple_rnn" || spec.type == "second_order_rnn";
}

}  // namespace

template <class T>
Network<T>::Network(const std::vector<Spec>& specs, Size most_numbers) : kernels_(multicapa::kernels<T>()) {
  for (const Spec& spec : specs) append(spec);
  if (static_cast<Size>(nodes_.size()) <= input_count_)
    throw InvalidArgument("a network needs an input and at least one layer");
  connect();
  lay_out(most_numbers);
}

// A layer with an activation becomes two nodes; the second bears the name that others refer to.
template <class T> void Network<T>::append(const Spec& spec) {
  for (const auto& [key, option] : spec.options)
    if (const double* number = std::get_if<double>(&option)) representable<T>(*number, spec.name + "'s " + key);
  if (std::any_of(nodes_.begin(), nodes_.end(), [&](const Node<T>& node) { return node.name == spec.name; }))
    throw InvalidArgument("two layers are called \"" + spec.name + "\"; names must differ");
  if (keeps_activation(spec) || !spec.options.count("activation")) return add_node(spec, spec.inputs);

  Spec linear = spec, activation;
  linear.name += linear_part;
  linear.options.erase("activation");
  linear.options.erase("activation_parameter");
  activation.type = "activation";
  activation.name = spec.name;
  activation.options["function"] = spec.text("activation");
  if (const auto parameter = spec.options.find("activation_parameter"); parameter != spec.options.end())
    activation.options["parameter"] = parameter->second;
  if (const auto output = spec.options.find("output"); output != spec.options.end())
    activation.options["output"] = output->second;
  if (spec.text("activation") == "linear") {
    linear.name = spec.name;
    return add_node(linear, spec.inputs);
  }
  linear.options.erase("output");
  add_node(linear, spec.inputs);
  add_node(activation, {linear.name});
}

template <class T> Size Network<T>::find(const std::string& name) const {
  for (std::size_t i = 0; i < nodes_.size(); ++i)
    if (nodes_[i].name == name) return static_cast<Size>(i);
  throw InvalidArgument("there is no layer \"" + name + "\" before the one that reads it");
}

template <class T> void Network<T>::add_node(const Spec& spec, const std::vector<std::string>& inputs) {
  Node<T> node;
  node.name = spec.name;
  node.type = spec.type;
  if (spec.type == "input") {
    if (static_cast<Size>(nodes_.size()) != input_count_++) spec.fail("inputs come before the layers that read them");
    node.plan.output = spec.shape("shape");
    for (const Size extent : node.plan.output)
      if (extent < 1) spec.fail("shape should be positive integers, not " + to_string(node.plan.output));
  } else {
    if (nodes_.empty()) spec.fail("a network starts with an input");
    if (inputs.empty()) spec.fail("reads no other layer");
    std::vector<Shape> shapes;
    for (const std::string& input : inputs) {
      node.inputs.push_back(find(input));
      shapes.push_back(nodes_[static_cast<std::size_t>(node.inputs.back())].plan.output);
    }
    node.layer = make_layer<T>(spec);
    node.plan = node.layer->plan(shapes);
    share(spec, node);
  }
  node.output = spec.integer("output", -1);
  spec.check_all_read();
  node.width = elements(node.plan.output);
  find_steps(node);
  node.stride = padded_stride<T>(node.plan.output);
  nodes_.push_back(std::move(node));
}

// A layer that is called again: a node of its own that uses the parameters of the first call.
template <class T> void Network<T>::share(const Spec& spec, Node<T>& node) {
  const std::string name = spec.text("shares", "");
  if (name.empty()) return;
  const bool split = spec.name.ends_with(linear_part);
  node.shares = find(split ? name + linear_part : name);
  Node<T>& first = nodes_[static_cast<std::size_t>(node.shares)];
  if (first.type != node.type || first.shares >= 0) spec.fail("shares the weights of \"" + name + "\", another layer");
  const auto &there = first.plan.parameters, &here = node.plan.parameters;
  if (there.size() != here.size()) spec.fail("shares the weights of \"" + name + "\", which has others");
  for (std::size_t p = 0; p < there.size(); ++p)
    if (there[p].shape != here[p].shape)
      spec.fail("shares the " + there[p].name + " of \"" + name + "\", of shape " + to_string(there[p].shape) +
                ", but needs " + to_string(here[p].shape) + " for what it reads");
  for (Node<T>& other : nodes_)
    if (&other == &first || other.shares == node.shares) other.begins_gradient = false;
}

// A sequence begins with a layer that has weights or a state for each step or looks from one to others, and goes on
// through those that keep steps.
template <class T> void Network<T>::find_steps(Node<T>& node) const {
  const Shape& shape = node.plan.output;
  node.steps = shape.size() == 2 ? shape[0] : 0;
  if (!node.layer || !node.plan.stepwise || !node.steps) return;
  const bool norm = node.type == "layer_norm" || node.type == "batch_norm";
  node.sequence = node.plan.looks_around || (!node.plan.parameters.empty() && !norm);
  for (const Size input : node.inputs) node.sequence |= nodes_[static_cast<std::size_t>(input)].sequence;
}

template <class T> void Network<T>::check_takes_lengths(const std::vector<bool>& ragged) const {
  const auto has_lengths = [&](Size n) {
    const Size time = nodes_[static_cast<std::size_t>(n)].time;
    return time >= 0 && ragged[static_cast<std::size_t>(time)];
  };
  for (const Node<T>& node : nodes_) {
    if (std::none_of(node.inputs.begin(), node.inputs.end(), has_lengths)) continue;
    if (!node.plan.stepwise)
      throw InvalidArgument(node.type + " layer \"" + node.name + "\" takes sequences of one length only");
    if (!node.plan.looks_around && !node.plan.walks) check_joins_steps(node);
  }
  const auto refuse = [](const std::string& what) {
    throw InvalidArgument("no layer of this network works step by step" + what +
                          ", so all samples should have one length");
  };
  for (Size i = 0; i < input_count_; ++i)
    if (ragged[static_cast<std::size_t>(i)] && !nodes_[static_cast<std::size_t>(i)].in_time())
      refuse(input_count_ == 1 ? "" : " on \"" + nodes_[static_cast<std::size_t>(i)].name + "\"");
  for (const Size n : outputs_)
    if (has_lengths(n) && !nodes_[static_cast<std::size_t>(n)].sequence) refuse("");
}

// Steps can be joined with those of the same input only.
template <class T> void Network<T>::check_joins_steps(const Node<T>& node) const {
  const Node<T>& first = nodes_[static_cast<std::size_t>(node.inputs[0])];
  for (const Size input : node.inputs) {
    const Node<T>& source = nodes_[static_cast<std::size_t>(input)];
    if (source.time == first.time) continue;
    const std::string layer = node.type + " layer \"" + node.name + "\" joins steps of ";
    if (!source.in_time() || !first.in_time())
      throw InvalidArgument(layer + "sequences with what has none of their lengths");
    throw InvalidArgument(layer + "\"" + nodes_[static_cast<std::size_t>(first.time)].name + "\" with those of \"" +
                          nodes_[static_cast<std::size_t>(source.time)].name + "\", whose lengths are others");
  }
}

template <class T> void Network<T>::connect() {
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    Node<T>& node = nodes_[i];
    node.wants_gradient = !node.plan.parameters.empty();
    for (const Size input : node.inputs) {
      Node<T>& source = nodes_[static_cast<std::size_t>(input)];
      source.consumers.push_back(static_cast<Size>(i));
      node.wants_gradient = node.wants_gradient || source.wants_gradient;
    }
  }
  find_outputs();
  find_times();
  find_derived();
  for (const Node<T>& node : nodes_)
    if (node.consumers.empty() && node.output < 0)
      throw InvalidArgument("nothing reads layer \"" + node.name + "\", and it is " +
                            (outputs_.size() > 1 ? "no output" : "not the last one"));
}

// Where no layer says that it is one, the last is the only output.
template <class T> void Network<T>::find_outputs() {
  for (const Node<T>& node : nodes_) outputs_.resize(outputs_.size() + (node.output >= 0), -1);
  if (outputs_.empty()) nodes_.back().output = 0, outputs_ = {-1};
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    const Size place = nodes_[i].output;
    if (place < 0) continue;
    if (place >= output_count() || output_node(place) >= 0)
      throw InvalidArgument("the outputs should be numbered from 0 on, and layer \"" + nodes_[i].name +
                            "\" is number " + std::to_string(place) + " of " + std::to_string(output_count()));
    if (!nodes_[i].layer) throw InvalidArgument("\"" + nodes_[i].name + "\" is an input, and no output besides");
    outputs_[static_cast<std::size_t>(place)] = static_cast<Size>(i);
  }
}

template <class T> void Network<T>::find_times() {
  for (Size i = 0; i < input_count_; ++i) {
    Node<T>& input = nodes_[static_cast<std::size_t>(i)];
    // Tokens (time,) are steps of one number.
    const bool tokens = std::all_of(input.consumers.begin(), input.consumers.end(),
                                    [&](Size n) { return nodes_[static_cast<std::size_t>(n)].type == "embedding"; });
    if (tokens && !input.consumers.empty()) input.steps = input.width;
    input.time = input.steps > 0 ? i : -1;
  }
  for (Node<T>& node : nodes_) {
    if (!node.layer || node.steps == 0 || !node.plan.stepwise) continue;
    const bool first_decides = node.plan.looks_around || node.plan.walks;
    const std::size_t readers = first_decides ? 1 : node.inputs.size();
    for (std::size_t i = 0; i < readers && !node.in_time(); ++i)
      node.time = nodes_[static_cast<std::size_t>(node.inputs[i])].time;
  }
}

// What is derived from the parameters serves to pass gradients on; where none is wanted there is nothing to keep. That
// of a shared layer belongs to its first call.
template <class T> void Network<T>::find_derived() {
  std::vector<Size> derived(nodes_.size(), 0);
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    Node<T>& node = nodes_[i];
    if (std::any_of(node.inputs.begin(), node.inputs.end(),
                    [&](Size input) { return nodes_[static_cast<std::size_t>(input)].wants_gradient; }))
      derived[node.shares < 0 ? i : static_cast<std::size_t>(node.shares)] = node.plan.derived;
  }
  for (std::size_t i = 0; i < nodes_.size(); ++i) nodes_[i].plan.derived = derived[i];
}

template <class T> void Network<T>::lay_out(Size most_numbers) {
  Layout<T> parameters, state, derived;
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    Node<T>& node = nodes_[i];
    if (node.shares >= 0) {
      const Node<T>& first = nodes_[static_cast<std::size_t>(node.shares)];
      node.parameters = first.parameters, node.parameter_count = first.parameter_count;
      node.state = first.state, node.derived = first.derived;
      continue;
    }
    const std::string base = node.name.substr(0, node.name.find(linear_part));
    const auto tensor = [&](const std::string& name, const Shape& shape, std::size_t index, Layout<T>& layout) {
      const Size count = elements(shape);
      return Tensor{
          base + "." + name, static_cast<Size>(i), static_cast<Size>(index), shape, layout.place(count), count};
    };
    node.parameters = parameters.total();
    for (std::size_t p = 0; p < node.plan.parameters.size(); ++p) {
      const ParameterPlan& plan = node.plan.parameters[p];
      Tensor t = tensor(plan.name, plan.shape, p, parameters);
      t.fan_in = plan.fan_in, t.fan_out = plan.fan_out, t.penalized = plan.penalized;
      parameter_tensors_.push_back(t);
    }
    node.parameter_count = parameters.total() - node.parameters;
    node.state = state.total();
    for (std::size_t s = 0; s < node.plan.states.size(); ++s)
      state_tensors_.push_back(tensor(node.plan.states[s].name, node.plan.states[s].shape, s, state));
    node.derived = derived.place(node.plan.derived);
  }
  Size numbers = 0;
  for (const auto* tensors : {&parameter_tensors_, &state_tensors_})
    for (const Tensor& t : *tensors) numbers += t.count;
  if (numbers > most_numbers)
    throw InvalidArgument("its layers have " + std::to_string(numbers) + " numbers, not " +
                          std::to_string(most_numbers));
  parameters_ = Buffer<T>(parameters.total());
  gradients_ = Buffer<T>(parameters.total());
  state_ = Buffer<T>(state.total());
  derived_ = Buffer<T>(derived.total());
  for (const Tensor& t : state_tensors_) {
    const StatePlan& plan = nodes_[static_cast<std::size_t>(t.node)].plan.states[static_cast<std::size_t>(t.index)];
    std::fill_n(state_.data() + t.offset, t.count, static_cast<T>(plan.initial));
  }
}

template <class T> double Network<T>::work_per_row() const {
  double work = 0;
  for (const Node<T>& node : nodes_) work += node.plan.work_per_row;
  return work;
}

template <class T> void Network<T>::freeze(const std::string& name, bool frozen) {
  bool found = false;
  for (Tensor& tensor : parameter_tensors_)
    if (tensor.name.substr(0, tensor.name.rfind('.')) == name) {
      tensor.frozen = frozen, found = true;
      for (std::size_t n = 0; n < nodes_.size(); ++n)
        if (static_cast<Size>(n) == tensor.node || nodes_[n].shares == tensor.node) nodes_[n].layer->freeze(frozen);
    }
  if (!found) throw InvalidArgument("there is no layer \"" + name + "\" with parameters to freeze");
  any_frozen_ =
      std::any_of(parameter_tensors_.begin(), parameter_tensors_.end(), [](const Tensor& t) { return t.frozen; });
}

template <class T> void Network<T>::attach(const std::string& name, const Function<T>& function) {
  nodes_[static_cast<std::size_t>(find(name))].layer->attach(function);
}

template <class T> void Network<T>::attach(const std::string& name, const LayerFunctions<T>& functions) {
  nodes_[static_cast<std::size_t>(find(name))].layer->attach(functions);
}

template <class T> bool Network<T>::calls_out() const {
  return std::any_of(nodes_.begin(), nodes_.end(), [](const Node<T>& node) { return node.plan.calls_out; });
}

template <class T> void Network<T>::derive() {
  for (const Tensor& t : parameter_tensors_) {
    const Node<T>& node = nodes_[static_cast<std::size_t>(t.node)];
    if (node.plan.derived)
      node.layer->derive(kernels_, parameters_.data() + node.parameters, derived_.data() + node.derived, t.index, 0,
                         t.rows());
  }
}

template class Network<float>;
template class Network<double>;

}  // namespace multicapa
