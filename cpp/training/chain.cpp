#include "training/chain.hpp"

#include <algorithm>
#include <string>

namespace multicapa {
namespace {

constexpr Size most_units = 64, most_rows = 64;
constexpr double most_work = 3e5;  // multiplications

template <class T> const Node<T>& at(const Network<T>& network, Size n) {
  return network.nodes()[static_cast<std::size_t>(n)];
}

template <class T> const ActivationKernel<T>& find_activation(const KernelTable<T>& kernels, const std::string& name) {
  return *std::find_if(kernels.activations, kernels.activations + kernels.activation_count,
                       [&](const ActivationKernel<T>& kernel) { return name == kernel.name; });
}

// The dense layers among the nodes [1, end), or none where something else is there or they are not in a row.
template <class T> std::vector<Size> find_dense(const Network<T>& network, Size end) {
  std::vector<Size> dense;
  for (Size n = 1; n < end; ++n) {
    const Node<T>& node = at(network, n);
    if (node.inputs.size() != 1 || node.inputs[0] != n - 1) return {};
    if (node.type == "dense") dense.push_back(n);
    else if (node.type != "activation" || !node.plan.either_arrangement || at(network, n - 1).type != "dense") return {};
  }
  return dense;
}

}  // namespace

template <class T>
std::unique_ptr<Chain<T>> Chain<T>::plan(Network<T>& network, const Objective<T>& objective, Size rows) {
  const Size end = static_cast<Size>(network.nodes().size()) - (objective.fused ? 1 : 0);
  if (objective.custom_loss || objective.weight_noise > 0 || objective.target_noise > 0) return nullptr;
  if (rows < 1 || rows > most_rows) return nullptr;
  if (3 * network.work_per_row() * static_cast<double>(rows) > most_work) return nullptr;
  for (const Node<T>& node : network.nodes())
    if (node.width > most_units) return nullptr;
  const std::vector<Size> dense = find_dense(network, end);
  if (dense.empty()) return nullptr;
  return std::unique_ptr<Chain>(new Chain(network, objective, rows, dense));
}

template <class T>
Chain<T>::Chain(Network<T>& network, const Objective<T>& objective, Size rows, const std::vector<Size>& dense)
    : train_(network.kernels().train_chain) {
  for (const Size n : dense) {
    const Node<T>& node = at(network, n);
    ChainLayer<T> layer{};
    layer.in = at(network, n - 1).width, layer.units = node.width;
    layer.in_stride = aligned<T>(layer.in), layer.stride = aligned<T>(layer.units);
    for (const Tensor& tensor : network.parameter_tensors()) {
      if (tensor.node != n) continue;
      (tensor.index == 0 ? layer.weight : layer.bias) = network.parameters().data() + tensor.offset;
      (tensor.index == 0 ? layer.weight_gradient : layer.bias_gradient) = network.gradients().data() + tensor.offset;
    }
    const Size next = n + 1, end = static_cast<Size>(network.nodes().size()) - (objective.fused ? 1 : 0);
    if (next < end && at(network, next).type == "activation") {
      layer.activation = &find_activation(network.kernels(), at(network, next).plan.function);
      layer.parameter = static_cast<T>(at(network, next).plan.function_parameter);
    }
    layers_.push_back(layer);
  }
  const bool narrow = layers_.back().units <= narrow_units;
  const LossKernel<T>& loss = *objective.loss;
  call_.count = static_cast<Size>(layers_.size());
  call_.rows = rows, call_.row_stride = aligned<T>(rows);
  call_.loss = narrow ? (objective.fused ? loss.fused_columns : loss.plain_columns)
                      : (objective.fused ? loss.fused : loss.plain);
  call_.loss_parameter = objective.loss_parameter;
  lay_out();
}

template <class T> void Chain<T>::lay_out() {
  Layout<T> layout;
  const auto lay = [&](T* start) {
    Layout<T> places;
    const auto place = [&](Size count) { return start + places.place(count); };
    const Size rows = call_.row_stride;
    call_.x = place(rows * layers_.front().in_stride);
    for (ChainLayer<T>& layer : layers_) {
      layer.z = place(rows * layer.stride);
      layer.a = layer.activation ? place(rows * layer.stride) : layer.z;
      layer.delta = place(rows * layer.stride);
      layer.transposed = place(layer.units * layer.in_stride);
    }
    call_.targets = place(rows * layers_.back().stride);
    call_.weights = place(rows);
    call_.costs = place(rows);
    return places.total();
  };
  memory_ = Buffer<T>(lay(nullptr));
  lay(memory_.data());
  call_.layers = layers_.data();
}

template <class T> double Chain<T>::run(const Samples<T>& samples, const BatchRows& batch, T scale) const {
  ChainCall<T> call = call_;
  call.samples = &samples, call.order = batch.order, call.first = batch.first, call.scale = scale;
  return train_(call);
}

template class Chain<float>;
template class Chain<double>;

}  // namespace multicapa
