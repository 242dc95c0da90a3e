// A network: nodes in order, and its numbers in flat vectors of which every weight is a slice.
#pragma once

#include <atomic>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "base/memory.hpp"
#include "layers/layer.hpp"

namespace multicapa {

// One parameter or state: where it lies in its flat vector.
struct Tensor {
  std::string name;  // "dense_1.weight"
  Size node;
  Size index;  // among the parameters or states of its node
  Shape shape;
  Size offset;
  Size count;
  Size fan_in = 0;
  Size fan_out = 0;
  bool penalized = false;
  bool frozen = false;
  Size rows() const { return shape.empty() ? 1 : shape[0]; }
};

template <class T> struct Node {
  std::string name;
  std::string type;
  std::unique_ptr<Layer<T>> layer;  // null for an input
  std::vector<Size> inputs;
  LayerPlan plan;
  Size width = 0;       // numbers per sample
  Size stride = 0;      // numbers from one row of its output to the next
  Size parameters = 0;  // offset and count in the flat vector
  Size parameter_count = 0;
  Size state = 0;
  Size derived = 0;
  Size steps = 0;               // of a sample (time, features), or 0
  Size time = -1;               // the input whose steps these are, as many as a sample has there, or -1
  Size output = -1;             // its place among the network's outputs, or -1
  bool sequence = false;        // made step by step, so that costs and lengths count steps
  bool wants_gradient = false;  // it or a node before it has parameters
  std::vector<Size> consumers;
  Size shares = -1;             // the node whose parameters and state it uses, or -1 for its own
  bool begins_gradient = true;  // no node after it uses the same parameters: on the way back it is the first
  bool in_time() const { return time >= 0; }
  bool is_shared() const { return shares >= 0 || !begins_gradient; }
};

template <class T> class Network {
 public:
  // most_numbers: of parameters and state, beyond which nothing is allocated.
  explicit Network(const std::vector<Spec>& specs, Size most_numbers = std::numeric_limits<Size>::max());

  const std::vector<Node<T>>& nodes() const { return nodes_; }
  // The inputs are the first nodes; outputs may be any.
  Size input_count() const { return input_count_; }
  Size output_count() const { return static_cast<Size>(outputs_.size()); }
  Size output_node(Size output = 0) const { return outputs_[static_cast<std::size_t>(output)]; }
  const Node<T>& output(Size i = 0) const { return nodes_[static_cast<std::size_t>(output_node(i))]; }
  Size input_width(Size i = 0) const { return nodes_[static_cast<std::size_t>(i)].width; }
  Size output_width(Size i = 0) const { return output(i).width; }
  // Steps of the output where each has a cost of its own, else 0.
  Size output_steps(Size i = 0) const { return output(i).sequence ? output(i).steps : 0; }
  // Throws where a layer can't tell the steps that a sequence has from those beyond its end; by input, whether its
  // samples have lengths.
  void check_takes_lengths(const std::vector<bool>& ragged) const;
  double work_per_row() const;  // multiplications of a forward pass

  const std::vector<Tensor>& parameter_tensors() const { return parameter_tensors_; }
  const std::vector<Tensor>& state_tensors() const { return state_tensors_; }
  Size parameter_count() const { return parameters_.size(); }  // padding between the tensors included
  Buffer<T>& parameters() { return parameters_; }
  Buffer<T>& gradients() { return gradients_; }
  Buffer<T>& state() { return state_; }
  Buffer<T>& derived() { return derived_; }
  const KernelTable<T>& kernels() const { return kernels_; }

  void freeze(const std::string& node, bool frozen);
  bool any_frozen() const { return any_frozen_; }
  void attach(const std::string& node, const Function<T>& function);
  void attach(const std::string& node, const LayerFunctions<T>& functions);
  const Node<T>& node(const std::string& name) const { return nodes_[static_cast<std::size_t>(find(name))]; }
  bool calls_out() const;  // some layer runs functions of the caller's
  // Brings what is derived from the parameters up to date; Python may have written to them through a view.
  void derive();

  std::uint64_t seed = 0;
  std::atomic<std::uint64_t> training_steps = 0;  // so that no two steps draw the same random numbers

 private:
  void append(const Spec& spec);
  void add_node(const Spec& spec, const std::vector<std::string>& inputs);
  Size find(const std::string& name) const;
  void share(const Spec& spec, Node<T>& node);
  void find_steps(Node<T>& node) const;
  void check_joins_steps(const Node<T>& node) const;
  void connect();
  void find_outputs();
  void find_times();
  void find_derived();
  void lay_out(Size most_numbers);

  const KernelTable<T>& kernels_;
  std::vector<Node<T>> nodes_;
  std::vector<Size> outputs_;
  Size input_count_ = 0;
  std::vector<Tensor> parameter_tensors_, state_tensors_;
  bool any_frozen_ = false;
  Buffer<T> parameters_, gradients_, state_, derived_;
};

}  // namespace multicapa
