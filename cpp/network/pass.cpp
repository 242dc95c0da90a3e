#include "network/pass.hpp"

#include <algorithm>
#include <new>

namespace multicapa {
namespace {

template <class Vector> auto& at(Vector& vector, Size i) { return vector[static_cast<std::size_t>(i)]; }

// A node may write over its input when nobody needs that input any more: no other consumer, nothing that backward
// reads, and not the samples themselves.
template <class T> bool works_in_place(const std::vector<Node<T>>& nodes, const Node<T>& node) {
  if (!node.plan.may_work_in_place || node.plan.backward_reads_input) return false;
  const Node<T>& source = at(nodes, node.inputs[0]);
  return source.layer && source.consumers.size() == 1 && !source.plan.backward_reads_output &&
         source.stride == node.stride;
}

template <class T> bool shares_gradient(const std::vector<Node<T>>& nodes, const Node<T>& node) {
  if (!node.plan.may_work_in_place && node.type != "activation") return false;
  const Node<T>& source = at(nodes, node.inputs[0]);
  return source.layer && source.consumers.size() == 1 && source.stride == node.stride;
}

// Sizes that would wrap around before memory is refused.
template <class T> void check_countable(const std::vector<Node<T>>& nodes, Size rows) {
  constexpr double most_numbers = 1e17;
  double per_row = 1;
  for (const Node<T>& node : nodes) per_row += static_cast<double>(2 * node.stride + node.plan.kept_per_row);
  if (per_row * static_cast<double>(rows) > most_numbers) throw std::bad_alloc();
}

}  // namespace

template <class T> Workspace<T>::Workspace(const Network<T>& network, Keep keep) : keep_(keep) {
  if (keep.arrangement == Arrangement::samples_as_columns) keep_.capacity = keep.capacity = aligned<T>(keep.capacity);
  const std::vector<Node<T>>& nodes = network.nodes();
  const std::size_t count = nodes.size();
  value_.resize(count), gradient_.resize(count), kept_.resize(count), batch_sums_.resize(count);
  check_countable(nodes, keep.capacity);
  Layout<T> layout;
  for (std::size_t i = 0; i < count; ++i) {
    const Node<T>& node = nodes[i];
    const bool over_input = node.layer && !keep.apart && works_in_place(nodes, node);
    value_[i] = over_input ? at(value_, node.inputs[0]) : layout.place(node.stride * keep.capacity);
    kept_[i] = layout.place(node.plan.kept_per_row * keep.capacity);
    batch_sums_[i] = layout.place(2 * node.plan.batch_sums);
  }
  for (std::size_t i = 0; i < count && keep.backward; ++i) {
    const Node<T>& node = nodes[i];
    if (node.layer && !keep.apart && shares_gradient(nodes, node)) gradient_[i] = at(gradient_, node.inputs[0]);
    else gradient_[i] = node.wants_gradient ? layout.place(node.stride * keep.capacity) : 0;
  }
  memory_ = Buffer<T>(layout.total());
}

template <class T>
Pass<T>::Pass(Network<T>& network, Workspace<T>& workspace, bool training, bool fetches)
    : network_(network),
      workspace_(workspace),
      calls_(network.nodes().size()),
      scratch_places_(network.nodes().size()),
      fetches_(fetches) {
  const std::vector<Node<T>>& nodes = network.nodes();
  lengths_.resize(static_cast<std::size_t>(workspace.keep().capacity));
  active_.resize(static_cast<std::size_t>(std::max<Size>(nodes.front().steps, 1)));
  Size most_scratch = 0, most_layer_scratch = 0;
  std::vector<bool> reached(nodes.size(), false);
  for (std::size_t n = nodes.size(); n-- > 1;) {
    const Node<T>& node = nodes[n];
    Call<T>& call = calls_[n];
    call.kernels = &network.kernels();
    call.arrangement = workspace.keep().arrangement;
    call.state = network.state().data() + node.state;
    call.derived = network.derived().data() + node.derived;
    call.batch_sums = workspace.batch_sums(static_cast<Size>(n));
    call.training = training;
    call.seed = network.seed;
    call.step = &step_;
    call.node = n;
    call.kept_stride = node.plan.kept_per_row;
    call.begins_gradient = node.begins_gradient;
    Layout<T> scratch_needed;
    for (const Size input : node.inputs) {
      const Node<T>& source = at(nodes, input);
      call.inputs.emplace_back();
      call.dx.emplace_back();
      // Walking backwards, the first consumer met writes the gradient of its input and the later ones add to it.
      const bool later = reached[static_cast<std::size_t>(input)] && source.wants_gradient;
      scratch_places_[n].push_back(later ? scratch_needed.place(source.stride * workspace.keep().capacity) : -1);
      reached[static_cast<std::size_t>(input)] = true;
    }
    most_scratch = std::max(most_scratch, scratch_needed.total());
    const bool as_columns = call.arrangement == Arrangement::samples_as_columns;
    const Size per_sample = as_columns ? node.plan.scratch_per_column * workspace.keep().capacity : 0;
    most_layer_scratch = std::max(most_layer_scratch, node.plan.scratch + per_sample);
  }
  read_parameters_from(network.parameters().data());
  layer_scratch_ = Buffer<T>(most_layer_scratch);
  if (workspace.keep().backward) scratch_ = Buffer<T>(most_scratch);
  for (Call<T>& call : calls_) call.scratch = layer_scratch_.data();
}

// The rows of the present block of one node.
template <class T> Matrix<T> Pass<T>::matrix(T* data, const Node<T>& node) const {
  const Size width = node.in_time && steps_ >= 0 ? node.width / node.steps * steps_ : node.width;
  if (workspace_.keep().arrangement == Arrangement::samples_as_rows)
    return {data + place_row(first_) * node.stride, rows_, width, node.stride};
  return {data, width, aligned<T>(rows_), aligned<T>(rows_)};
}

template <class T> void Pass<T>::place(Size first, Size rows) {
  const bool moves = workspace_.keep().rows == RowPlaces::whole_batch && first != first_;
  const bool same = rows == rows_ && !moves && !reads_elsewhere_ && steps_ < 0;
  first_ = first, rows_ = rows, reads_elsewhere_ = false, steps_ = -1;
  for (Call<T>& call : calls_) call.first_row = first;
  if (!same) place_calls();
}

template <class T> void Pass<T>::place(Size first, Size rows, const Size* lengths, const Size* order, Size from) {
  first_ = first, rows_ = rows, reads_elsewhere_ = false;
  for (Size r = 0; r < rows; ++r) at(lengths_, r) = lengths[order[from + r]];
  steps_ = lengths_[0];
  for (Size t = 0, samples = rows; t < steps_; ++t) {
    while (at(lengths_, samples - 1) <= t) --samples;
    at(active_, t) = samples;
  }
  for (Call<T>& call : calls_) call.first_row = first;
  place_calls();
}

template <class T> void Pass<T>::set_bptt(Size steps) {
  for (Call<T>& call : calls_) call.bptt = steps;
}

template <class T> void Pass<T>::set_interruption(Interruption* interruption) {
  for (Call<T>& call : calls_) call.interruption = interruption;
}

template <class T> void Pass<T>::place_calls() {
  const Size first = first_, rows = rows_;
  const std::vector<Node<T>>& nodes = network_.nodes();
  const bool backward = workspace_.keep().backward;
  for (std::size_t n = 1; n < nodes.size(); ++n) {
    const Node<T>& node = nodes[n];
    Call<T>& call = calls_[n];
    call.rows = rows;
    const bool in_time = at(nodes, node.inputs[0]).in_time && steps_ >= 0;
    call.steps = in_time ? steps_ : -1;
    call.lengths = in_time ? lengths_.data() : nullptr;
    call.active = in_time ? active_.data() : nullptr;
    const bool memory_in_time = at(nodes, node.inputs.back()).in_time && steps_ >= 0;
    call.memory_lengths = memory_in_time ? lengths_.data() : nullptr;
    call.kept = workspace_.kept(static_cast<Size>(n)) + place_row(first) * node.plan.kept_per_row;
    call.output = value(static_cast<Size>(n));
    call.dy = gradient(static_cast<Size>(n));
    if (!backward) call.dy.data = nullptr;
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      const Size input = node.inputs[i], scratch = scratch_places_[n][i];
      call.inputs[i] = as_const(value(input));
      call.dx[i] = gradient(input);
      if (!backward || !at(nodes, input).wants_gradient) call.dx[i].data = nullptr;
      else if (scratch >= 0) call.dx[i].data = scratch_.data() + scratch;
    }
  }
}

template <class T> void Pass<T>::place_gradient(Size node, T* gradients, bool accumulate) {
  at(calls_, node).gradients = gradients;
  at(calls_, node).accumulate = accumulate;
}

template <class T> void Pass<T>::read_parameters_from(const T* flat) {
  if (flat == parameters_) return;
  parameters_ = flat;
  Matrix<const T> next;
  for (std::size_t n = calls_.size(); n-- > 1;) {
    const Node<T>& node = network_.nodes()[n];
    calls_[n].parameters = flat + node.parameters;
    calls_[n].next_parameters = next;
    const Size count = node.parameter_count;
    if (fetches_ && count > 0) next = {flat + node.parameters, 1, count, count};
  }
}

template <class T> void Pass<T>::forward(Size from, Size to) const {
  for (Size n = std::max<Size>(from, 1); n < to; ++n) at(network_.nodes(), n).layer->forward(at(calls_, n));
}

template <class T> void Pass<T>::backward(Size from, Size to) const {
  for (Size n = to - 1; n >= std::max<Size>(from, 1); --n) {
    const Node<T>& node = at(network_.nodes(), n);
    if (!node.wants_gradient) continue;
    const Call<T>& call = at(calls_, n);
    node.layer->backward(call);
    const std::vector<Size>& scratch = at(scratch_places_, n);
    for (std::size_t i = 0; i < call.dx.size(); ++i)
      if (scratch[i] >= 0) call.kernels->add(as_const(call.dx[i]), gradient(node.inputs[i]));
  }
}

template <class T> Matrix<T> Pass<T>::input() const { return value(0); }

template <class T> void Pass<T>::read_input_from(const T* rows, Size stride) {
  reads_elsewhere_ = true;
  const std::vector<Node<T>>& nodes = network_.nodes();
  for (std::size_t n = 1; n < nodes.size(); ++n)
    for (std::size_t i = 0; i < nodes[n].inputs.size(); ++i)
      if (nodes[n].inputs[i] == 0) calls_[n].inputs[i].data = rows, calls_[n].inputs[i].stride = stride;
}

template <class T> Matrix<T> Pass<T>::value(Size n) const {
  return matrix(workspace_.value(n), at(network_.nodes(), n));
}

template <class T> Matrix<T> Pass<T>::gradient(Size n) const {
  return matrix(workspace_.gradient(n), at(network_.nodes(), n));
}

template class Workspace<float>;
template class Workspace<double>;
template class Pass<float>;
template class Pass<double>;

}  // namespace multicapa
