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

// Recurrent layers apply theirs within each step.
bool keeps_activation(const Spec& spec) {
  return spec.type == "activation" || spec.type == "simple_rnn" || spec.type == "second_order_rnn";
}

}  // namespace

template <class T>
Network<T>::Network(const std::vector<Spec>& specs, Size most_numbers) : kernels_(multicapa::kernels<T>()) {
  for (const Spec& spec : specs) append(spec);
  if (nodes_.size() < 2) throw InvalidArgument("a network needs an input and at least one layer");
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
  linear.name += ":linear";
  linear.options.erase("activation");
  linear.options.erase("activation_parameter");
  activation.type = "activation";
  activation.name = spec.name;
  activation.options["function"] = spec.text("activation");
  if (const auto parameter = spec.options.find("activation_parameter"); parameter != spec.options.end())
    activation.options["parameter"] = parameter->second;
  if (spec.text("activation") == "linear") {
    linear.name = spec.name;
    return add_node(linear, spec.inputs);
  }
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
    if (!nodes_.empty()) spec.fail("a network has one input, and it comes first");
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
  }
  spec.check_all_read();
  node.width = elements(node.plan.output);
  find_steps(node);
  node.stride = padded_stride<T>(node.plan.output);
  nodes_.push_back(std::move(node));
}

// A sequence begins with a layer that has weights or a state for each step, and goes on through those that keep steps.
template <class T> void Network<T>::find_steps(Node<T>& node) const {
  const Shape& shape = node.plan.output;
  node.steps = shape.size() == 2 ? shape[0] : 0;
  if (!node.layer || !node.plan.stepwise || !node.steps) return;
  node.sequence = !node.plan.parameters.empty() && node.type != "layer_norm";
  for (const Size input : node.inputs) node.sequence |= nodes_[static_cast<std::size_t>(input)].sequence;
}

template <class T> void Network<T>::check_takes_lengths() const {
  const auto in_time = [&](Size n) { return nodes_[static_cast<std::size_t>(n)].in_time; };
  for (const Node<T>& node : nodes_) {
    if (std::none_of(node.inputs.begin(), node.inputs.end(), in_time)) continue;
    if (!node.plan.stepwise)
      throw InvalidArgument(node.type + " layer \"" + node.name + "\" takes sequences of one length only");
    const bool first_decides = node.plan.looks_around || node.plan.carried > 0;
    if (!first_decides && !std::all_of(node.inputs.begin(), node.inputs.end(), in_time))
      throw InvalidArgument(node.type + " layer \"" + node.name +
                            "\" joins steps of sequences with what has none of their lengths");
  }
  if (!nodes_.front().in_time || (output().in_time && !output().sequence))
    throw InvalidArgument("no layer of this network works step by step, so all samples should have one length");
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
  // Tokens (time,) are steps of one number.
  Node<T>& first = nodes_.front();
  const bool tokens = std::all_of(first.consumers.begin(), first.consumers.end(),
                                  [&](Size n) { return nodes_[static_cast<std::size_t>(n)].type == "embedding"; });
  if (tokens && !first.consumers.empty()) first.steps = first.width;
  first.in_time = first.steps > 0;
  for (Node<T>& node : nodes_)
    for (const Size input : node.inputs) {
      node.in_time |= node.steps > 0 && node.plan.stepwise && nodes_[static_cast<std::size_t>(input)].in_time;
      if (node.plan.looks_around || node.plan.carried > 0) break;  // its steps are those of its first input
    }
  // What is derived from the parameters serves to pass gradients on; where none is wanted there is nothing to keep.
  for (Node<T>& node : nodes_)
    if (std::none_of(node.inputs.begin(), node.inputs.end(),
                     [&](Size input) { return nodes_[static_cast<std::size_t>(input)].wants_gradient; }))
      node.plan.derived = 0;
  for (std::size_t i = 0; i + 1 < nodes_.size(); ++i)
    if (nodes_[i].consumers.empty())
      throw InvalidArgument("nothing reads layer \"" + nodes_[i].name + "\", and it is not the last one");
}

template <class T> void Network<T>::lay_out(Size most_numbers) {
  Layout<T> parameters, state, derived;
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    Node<T>& node = nodes_[i];
    const std::string base = node.name.substr(0, node.name.find(":linear"));
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
      nodes_[static_cast<std::size_t>(tensor.node)].layer->freeze(frozen);
    }
  if (!found) throw InvalidArgument("there is no layer \"" + name + "\" with parameters to freeze");
  any_frozen_ =
      std::any_of(parameter_tensors_.begin(), parameter_tensors_.end(), [](const Tensor& t) { return t.frozen; });
}

template <class T> void Network<T>::attach(const std::string& name, const Function<T>& function) {
  nodes_[static_cast<std::size_t>(find(name))].layer->attach(function);
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
