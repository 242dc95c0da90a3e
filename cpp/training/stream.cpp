#include "training/stream.hpp"

#include <algorithm>

namespace multicapa {

template <class T>
Stream<T>::Stream(std::shared_ptr<Network<T>> network, const std::vector<Spec>& one_step, Size samples)
    : network_(std::move(network)),
      one_(one_step),
      samples_(samples),
      workspace_(one_, Keep{RowPlaces::one_block, samples, false}),
      pass_(one_, workspace_, false) {
  if (network_->input_count() > 1 || network_->output_count() > 1)
    throw InvalidArgument("a stream is for a network with one input and one output");
  network_->check_takes_lengths({true});
  if (one_.parameter_count() != network_->parameter_count())
    throw InvalidArgument("a stream takes one step at a time, but a layer of this network has weights for all steps");
  for (const Node<T>& node : one_.nodes())
    if (node.plan.carried > 0 && node.inputs.size() > 1)
      throw InvalidArgument("layer \"" + node.name + "\" begins with a state of another layer's, not as a stream does");
    else if (node.plan.looks_around)
      throw InvalidArgument("layer \"" + node.name + "\" looks at all steps at once, which a stream does not have");
  pass_.place(0, samples);
  pass_.read_parameters_from(network_->parameters().data());
  for (Size n = 1; n < static_cast<Size>(one_.nodes().size()); ++n) {
    const Size count = one_.nodes()[static_cast<std::size_t>(n)].plan.carried;
    if (count == 0) continue;
    carried_.push_back({n, Buffer<T>(count * samples)});
    pass_.carry(n, carried_.back().states.data());
  }
  reset();
}

template <class T> void Stream<T>::reset() {
  for (Carried& carried : carried_) {
    const Node<T>& node = one_.nodes()[static_cast<std::size_t>(carried.node)];
    for (Size r = 0; r < samples_; ++r) node.layer->start(carried.states.data() + r * node.plan.carried);
  }
}

template <class T> void Stream<T>::step(const T* x, T* y) {
  const Size end = static_cast<Size>(one_.nodes().size()), width = one_.output_width();
  std::copy_n(network_->state().data(), network_->state().size(), one_.state().data());
  one_.kernels().copy({x, samples_, one_.input_width(), one_.input_width()}, pass_.input());
  pass_.forward(0, end);
  one_.kernels().copy(as_const(pass_.value(one_.output_node())), {y, samples_, width, width});
}

template class Stream<float>;
template class Stream<double>;

}  // namespace multicapa
