#include "training/chain.hpp"

#include <algorithm>
#include <string>

namespace multicapa {
namespace {

// All of these are measured (see bench/README.md).
constexpr Size most_units = 64;
constexpr Size most_rows = 64;
constexpr Size most_registers_of_rows = 2;  // where the outputs are many, whose losses prefer samples as columns
constexpr double most_work = 2.6e5;         // multiplications

template <class T> const ActivationKernel<T>& find_activation(const KernelTable<T>& kernels, const std::string& name) {
  return *std::find_if(kernels.activations, kernels.activations + kernels.activation_count,
                       [&](const ActivationKernel<T>& kernel) { return name == kernel.name; });
}

template <class T> Size end_node(const Network<T>& network, const Objective<T>& objective) {
  return static_cast<Size>(network.nodes().size()) - (objective.losses[0].fused ? 1 : 0);
}

// Whether the nodes [1, end) are dense layers in a row, each with an activation or without.
template <class T> bool is_chain(const Network<T>& network, Size end) {
  for (Size n = 1; n < end; ++n) {
    const Node<T>& node = at(network.nodes(), n);
    if (node.plan.output.size() != 1 || node.is_shared()) return false;
    const bool activates = node.type == "activation" && node.plan.either_arrangement;
    if (node.inputs.size() != 1 || node.inputs[0] != n - 1) return false;
    if (node.type != "dense" && !(activates && at(network.nodes(), n - 1).type == "dense")) return false;
  }
  return end > 1;
}

}  // namespace

template <class T>
std::unique_ptr<Chain<T>> Chain<T>::plan(Network<T>& network, const Objective<T>& objective, Size rows) {
  if (network.input_count() > 1 || network.output_count() > 1 || objective.calls_out()) return nullptr;
  if (objective.weight_noise > 0 || objective.target_noise > 0) return nullptr;
  const bool narrow = network.output_width() <= narrow_units;
  if (rows < 1 || rows > (narrow ? most_rows : most_registers_of_rows * network.kernels().vector_width)) return nullptr;
  if (3 * network.work_per_row() * static_cast<double>(rows) > most_work) return nullptr;
  for (const Node<T>& node : network.nodes())
    if (node.width > most_units) return nullptr;
  if (!is_chain(network, end_node(network, objective))) return nullptr;
  return std::unique_ptr<Chain>(new Chain(network, objective, rows));
}

template <class T>
Chain<T>::Chain(Network<T>& network, const Objective<T>& objective, Size rows) : train_(network.kernels().train_chain) {
  const Size end = end_node(network, objective);
  for (Size n = 1; n < end; ++n)
    if (at(network.nodes(), n).type == "dense") add_layer(network, n, end);
  memory_ = Buffer<T>(lay_out(nullptr, rows));
  lay_out(memory_.data(), rows);
  const bool fused = objective.losses[0].fused;
  const LossKernel<T>& loss = *objective.losses[0].kernel;
  if (layers_.back().weight.columns <= narrow_units) plan_.run_loss = fused ? loss.fused_columns : loss.plain_columns;
  else plan_.run_loss = fused ? loss.fused : loss.plain;
  plan_.loss.parameter = objective.losses[0].parameter;
  plan_.layers = layers_.data(), plan_.count = static_cast<Size>(layers_.size());
}

template <class T> void Chain<T>::add_layer(Network<T>& network, Size n, Size end) {
  ChainLayer<T> layer{};
  for (const Tensor& tensor : network.parameter_tensors()) {
    if (tensor.node != n) continue;
    const T* values = network.parameters().data() + tensor.offset;
    T* gradients = network.gradients().data() + tensor.offset;
    if (tensor.shape.size() == 1) layer.bias = values, layer.bias_gradient = gradients;
    else layer.weight = {values, tensor.shape[0], tensor.shape[1], tensor.shape[1]}, layer.weight_gradient = gradients;
  }
  if (n + 1 < end && at(network.nodes(), n + 1).type == "activation") {
    layer.activation = &find_activation(network.kernels(), at(network.nodes(), n + 1).plan.function);
    layer.parameter = static_cast<T>(at(network.nodes(), n + 1).plan.function_parameter);
  }
  layers_.push_back(layer);
}

// Called twice: to learn how much memory it takes, and to hand it out. Inputs have rows to spare, so that samples can
// be taken by the register.
template <class T> Size Chain<T>::lay_out(T* memory, Size rows) {
  Layout<T> layout;
  const Size all_rows = aligned<T>(rows);
  const auto place = [&](Size count) { return memory + layout.place(count); };
  Matrix<T> input{nullptr, rows, layers_.front().weight.rows, aligned<T>(layers_.front().weight.rows)}, delta{};
  input.data = place(all_rows * input.stride);
  plan_.x = input;
  for (ChainLayer<T>& layer : layers_) {
    const Size units = layer.weight.columns;
    const bool narrow = &layer == &layers_.back() && units <= narrow_units;
    layer.x = as_const(input), layer.dx = delta;
    layer.stride = aligned<T>(narrow ? rows : units);
    layer.transposed = place(units * input.stride);
    Matrix<T> z{nullptr, narrow ? units : rows, narrow ? layer.stride : units, layer.stride};
    z.data = layer.z = place(std::max(all_rows, units) * layer.stride);
    Matrix<T> a = z;
    if (layer.activation) a.data = place(std::max(all_rows, units) * layer.stride);
    delta = z, delta.data = layer.delta = place(std::max(all_rows, units) * layer.stride);
    const auto with_surplus = [](Matrix<T> m) { return m.columns = m.stride, m; };
    layer.all_z = as_const(with_surplus(z)), layer.all_a = with_surplus(a);
    layer.all_seen = layer.activation && layer.activation->from_output ? as_const(layer.all_a) : layer.all_z;
    layer.all_da = as_const(layer.all_delta = with_surplus(delta));
    input = a;
  }
  plan_.targets = place(std::max(all_rows, input.rows) * input.stride);
  plan_.weights = place(all_rows);
  plan_.loss.y = as_const(input), plan_.loss.dy = delta;
  plan_.loss.target = {plan_.targets, input.rows, input.columns, input.stride};
  plan_.loss.cost = place(all_rows);
  return layout.total();
}

template <class T> double Chain<T>::run(const Samples<T>& samples, const BatchRows& batch, T scale) {
  return train_(plan_, {samples, batch.order, batch.first}, scale);
}

template class Chain<float>;
template class Chain<double>;

}  // namespace multicapa
