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

}  // namespace

template <class T> void choose_loss(Objective<T>& objective, const Network<T>& network, const std::string& name) {
  objective.loss = &find_loss(network.kernels(), name);
  objective.loss_parameter = static_cast<T>(objective.loss->default_parameter);
  const char* activation = objective.loss->fused_activation;
  objective.fused = activation && network.output().type == "activation" && network.output().plan.function == activation;
}

template void choose_loss<float>(Objective<float>&, const Network<float>&, const std::string&);
template void choose_loss<double>(Objective<double>&, const Network<double>&, const std::string&);

}  // namespace multicapa
