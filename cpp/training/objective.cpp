#include "training/objective.hpp"

namespace multicapa {
namespace {

template <class T> const LossKernel<T>& find_loss(const KernelTable<T>& table, const std::string& name) {
  std::string known;
  for (int i = 0; i < table.loss_count; ++i) {
    if (name == table.losses[i].name) return table.losses[i];
    known += (i ? ", " : "") + std::string(table.losses[i].name);
  }
  throw InvalidArgument("there is no loss \"" + name + "\"; there are " + known);
}

template <class T> OutputLoss<T>& next_loss(Objective<T>& objective, const Network<T>& network) {
  const Size place = static_cast<Size>(objective.losses.size());
  if (place == network.output_count())
    throw InvalidArgument("more losses than the " + std::to_string(place) + " outputs of the network");
  objective.losses.emplace_back();
  objective.losses.back().reads = network.output_node(place);
  return objective.losses.back();
}

// Whether nobody but the loss needs the output of this activation, nor anybody else what it reads.
template <class T> bool stands_alone(const Network<T>& network, const Node<T>& output) {
  const Node<T>& source = network.nodes()[static_cast<std::size_t>(output.inputs[0])];
  return output.consumers.empty() && source.consumers.size() == 1 && source.output < 0;
}

}  // namespace

template <class T> void add_loss(Objective<T>& objective, const Network<T>& network, const std::string& name) {
  const LossKernel<T>& kernel = find_loss(network.kernels(), name);
  OutputLoss<T>& loss = next_loss(objective, network);
  const Node<T>& output = network.nodes()[static_cast<std::size_t>(loss.reads)];
  loss.kernel = &kernel;
  loss.parameter = static_cast<T>(kernel.default_parameter);
  loss.fused = kernel.fused_activation && output.type == "activation" &&
               output.plan.function == kernel.fused_activation && stands_alone(network, output);
  if (!loss.fused) return;
  objective.left_out.push_back(loss.reads);
  loss.reads = output.inputs[0];
}

template <class T>
void add_custom_loss(Objective<T>& objective, const Network<T>& network,
                     std::function<void(const LossCall<T>&)> function) {
  next_loss(objective, network).custom = std::move(function);
}

template void add_loss<float>(Objective<float>&, const Network<float>&, const std::string&);
template void add_loss<double>(Objective<double>&, const Network<double>&, const std::string&);
template void add_custom_loss<float>(Objective<float>&, const Network<float>&,
                                     std::function<void(const LossCall<float>&)>);
template void add_custom_loss<double>(Objective<double>&, const Network<double>&,
                                      std::function<void(const LossCall<double>&)>);

}  // namespace multicapa
