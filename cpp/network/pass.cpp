#include "network/pass.hpp"

#include <algorithm>
#include <functional>
#include <new>
#include <numeric>
#include <type_traits>

namespace multicapa {
namespace {

template <class T> constexpr Scalar scalar_of = std::is_same_v<T, float> ? Scalar::float32 : Scalar::float64;

// A node may write over its input when nobody needs that input any more: no other consumer, nothing that backward
// reads, and neither the samples themselves nor an output.
template <class T> bool works_in_place(const std::vector<Node<T>>& nodes, const Node<T>& node) {
  if (!node.plan.may_work_in_place || node.plan.backward_reads_input) return false;
  const Node<T>& source = at(nodes, node.inputs[0]);
  return source.layer && source.consumers.size() == 1 && source.output < 0 && !source.plan.backward_reads_output &&
         source.stride == node.stride;
}

template <class T> bool shares_gradient(const std::vector<Node<T>>& nodes, const Node<T>& node) {
  if (!node.plan.may_work_in_place && node.type != "activation") return false;
  const Node<T>& source = at(nodes, node.inputs[0]);
  return source.layer && source.consumers.size() == 1 && source.output < 0 && source.stride == node.stride;
}

// Losses write theirs where nobody else asks for one, too.
template <class T> bool has_gradient(const std::vector<Node<T>>& nodes, const Node<T>& node) {
  const auto is_output = [&](Size n) { return at(nodes, n).output >= 0; };
  return node.wants_gradient || node.output >= 0 ||
         std::any_of(node.consumers.begin(), node.consumers.end(), is_output);
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
    const bool shares = !keep.apart && node.layer && node.wants_gradient && shares_gradient(nodes, node);
    if (shares) gradient_[i] = at(gradient_, node.inputs[0]);
    else gradient_[i] = has_gradient(nodes, node) ? layout.place(node.stride * keep.capacity) : 0;
  }
  memory_ = Buffer<T>(layout.total());
}

template <class T>
Pass<T>::Pass(Network<T>& network, Workspace<T>& workspace, bool training, bool fetches)
    : network_(network),
      workspace_(workspace),
      calls_(network.nodes().size()),
      scratch_places_(network.nodes().size()),
      times_(static_cast<std::size_t>(network.input_count())),
      left_out_(network.nodes().size(), false),
      fetches_(fetches) {
  const std::vector<Node<T>>& nodes = network.nodes();
  for (std::size_t i = 0; i < times_.size(); ++i) {
    for (std::vector<Size>* rows : {&times_[i].lengths, &times_[i].order, &times_[i].descending})
      rows->resize(static_cast<std::size_t>(workspace.keep().capacity));
    times_[i].active.resize(static_cast<std::size_t>(std::max<Size>(nodes[i].steps, 1)));
  }
  Size most_scratch = 0, most_layer_scratch = 0, most_sorted = 0;
  // Where a loss has been: the readers of an output add to its gradient.
  std::vector<bool> reached(nodes.size(), false);
  for (std::size_t n = 0; n < nodes.size(); ++n) reached[n] = nodes[n].output >= 0;
  for (std::size_t n = nodes.size(); n-- > times_.size();) {
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
    if (node.plan.walks && times_.size() > 1) {
      Size numbers = node.stride;
      for (const Size input : node.inputs) numbers += at(nodes, input).stride;
      most_sorted = std::max(most_sorted, 2 * workspace.keep().capacity * aligned<T>(numbers));
      unsorted_inputs_.reserve(node.inputs.size()), unsorted_dx_.reserve(node.inputs.size());
    }
    const bool as_columns = call.arrangement == Arrangement::samples_as_columns;
    const Size per_sample = as_columns ? node.plan.scratch_per_column * workspace.keep().capacity : 0;
    most_layer_scratch = std::max(most_layer_scratch, node.plan.scratch + per_sample);
  }
  read_parameters_from(network.parameters().data());
  layer_scratch_ = Buffer<T>(most_layer_scratch);
  sorted_ = Buffer<T>(most_sorted);
  if (workspace.keep().backward) scratch_ = Buffer<T>(most_scratch);
  for (Call<T>& call : calls_) call.scratch = layer_scratch_.data();
}

// The rows of the present block of one node.
template <class T> Matrix<T> Pass<T>::matrix(T* data, const Node<T>& node) const {
  const bool shorter = node.in_time() && at(times_, node.time).ragged;
  const Size width = shorter ? node.width / node.steps * at(times_, node.time).steps : node.width;
  if (workspace_.keep().arrangement == Arrangement::samples_as_rows)
    return {data + place_row(first_) * node.stride, rows_, width, node.stride};
  return {data, width, aligned<T>(rows_), aligned<T>(rows_)};
}

// Null where all samples have all steps, or none.
template <class T> const typename Pass<T>::Time* Pass<T>::time_of(Size n) const {
  const Size time = at(network_.nodes(), n).time;
  return time >= 0 && at(times_, time).ragged ? &at(times_, time) : nullptr;
}

template <class T> void Pass<T>::place(Size first, Size rows) {
  const bool moves = workspace_.keep().rows == RowPlaces::whole_batch && first != first_;
  const bool same = rows == rows_ && !moves && !reads_elsewhere_ && !ragged_;
  first_ = first, rows_ = rows, reads_elsewhere_ = ragged_ = false;
  for (Call<T>& call : calls_) call.first_row = first;
  if (same) return;
  for (Time& time : times_) time.ragged = false;
  place_calls();
}

template <class T>
void Pass<T>::place(Size first, Size rows, const std::vector<InputRows>& inputs, const Size* order, Size from) {
  first_ = first, rows_ = rows, reads_elsewhere_ = false, ragged_ = true;
  for (std::size_t i = 0; i < times_.size(); ++i)
    if ((times_[i].ragged = inputs[i].lengths)) read_lengths(times_[i], inputs[i].lengths, order, from);
  for (Call<T>& call : calls_) call.first_row = first;
  place_calls();
}

template <class T> void Pass<T>::read_lengths(Time& time, const Size* lengths, const Size* order, Size from) {
  const std::size_t rows = static_cast<std::size_t>(rows_);
  for (Size r = 0; r < rows_; ++r) at(time.lengths, r) = lengths[order[from + r]];
  std::copy_n(time.lengths.begin(), rows, time.descending.begin());
  time.sorted = std::is_sorted(time.lengths.begin(), time.lengths.begin() + rows_, std::greater<Size>());
  if (!time.sorted) {
    std::iota(time.order.begin(), time.order.begin() + rows_, Size{0});
    // By place where lengths are equal: a stable sort would ask for memory.
    std::sort(time.order.begin(), time.order.begin() + rows_, [&](Size a, Size b) {
      return at(time.lengths, a) != at(time.lengths, b) ? at(time.lengths, a) > at(time.lengths, b) : a < b;
    });
    for (Size r = 0; r < rows_; ++r) at(time.descending, r) = at(time.lengths, at(time.order, r));
  }
  time.steps = time.descending[0];
  for (Size t = 0, samples = rows_; t < time.steps; ++t) {
    while (at(time.descending, samples - 1) <= t) --samples;
    at(time.active, t) = samples;
  }
}

template <class T> void Pass<T>::set_bptt(Size steps) {
  for (Call<T>& call : calls_) call.bptt = steps;
}

template <class T> void Pass<T>::set_interruption(Interruption* interruption) {
  if (calls_.back().interruption == interruption) return;  // as in all steps of an epoch but the first
  for (Call<T>& call : calls_) call.interruption = interruption;
}

template <class T> void Pass<T>::place_calls() {
  const Size first = first_, rows = rows_;
  const std::vector<Node<T>>& nodes = network_.nodes();
  const bool backward = workspace_.keep().backward;
  for (std::size_t n = times_.size(); n < nodes.size(); ++n) {
    const Node<T>& node = nodes[n];
    Call<T>& call = calls_[n];
    call.rows = rows;
    const Time *time = time_of(node.inputs[0]), *memory = time_of(node.inputs.back());
    call.steps = time ? time->steps : -1;
    call.lengths = time ? time->lengths.data() : nullptr;
    call.active = time ? time->active.data() : nullptr;
    call.memory_lengths = memory ? memory->lengths.data() : nullptr;
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
  for (std::size_t n = calls_.size(); n-- > times_.size();) {
    const Node<T>& node = network_.nodes()[n];
    calls_[n].parameters = flat + node.parameters;
    calls_[n].next_parameters = next;
    const Size count = node.parameter_count;
    if (fetches_ && count > 0) next = {flat + node.parameters, 1, count, count};
  }
}

template <class T> void Pass<T>::leave_out(const std::vector<Size>& nodes) {
  left_out_.assign(left_out_.size(), false);
  for (const Size n : nodes) left_out_[static_cast<std::size_t>(n)] = true;
}

template <class T> void Pass<T>::forward(Size from, Size to) {
  for (Size n = std::max(from, network_.input_count()); n < to; ++n)
    if (!left_out_[static_cast<std::size_t>(n)])
      run_sorted(n, false, [&] { at(network_.nodes(), n).layer->forward(at(calls_, n)); });
}

template <class T> void Pass<T>::forward_left_out() {
  for (std::size_t n = 0; n < left_out_.size(); ++n)
    if (left_out_[n]) network_.nodes()[n].layer->forward(calls_[n]);
}

template <class T> void Pass<T>::backward(Size from, Size to) {
  for (Size n = to - 1; n >= std::max(from, network_.input_count()); --n) {
    const Node<T>& node = at(network_.nodes(), n);
    if (!node.wants_gradient || left_out_[static_cast<std::size_t>(n)]) continue;
    const Call<T>& call = at(calls_, n);
    run_sorted(n, true, [&] { node.layer->backward(call); });
    const std::vector<Size>& scratch = at(scratch_places_, n);
    for (std::size_t i = 0; i < call.dx.size(); ++i)
      if (scratch[i] >= 0) call.kernels->add(as_const(call.dx[i]), gradient(node.inputs[i]));
  }
}

// A layer that walks through time wants the longest samples first. Those of a block are in the order of one input;
// where the steps are those of another, it works on rows that are put in order for it.
template <class T> template <class Work> void Pass<T>::run_sorted(Size n, bool backward, Work work) {
  const Node<T>& node = at(network_.nodes(), n);
  const Time* time = node.plan.walks && ragged_ ? time_of(node.inputs[0]) : nullptr;
  if (!time || time->sorted) return work();
  Call<T>& call = at(calls_, n);
  unsorted_inputs_ = call.inputs, unsorted_dx_ = call.dx;  // of which there is room
  const Matrix<T> y = call.output, dy = call.dy;
  T* place = sorted_.data();
  for (Matrix<const T>& x : call.inputs) x = as_const(sorted(x, *time, place));
  call.output = sorted(backward ? as_const(y) : Matrix<const T>{nullptr, y.rows, y.columns, y.stride}, *time, place);
  if (backward) {
    call.dy = sorted(as_const(dy), *time, place);
    for (Matrix<T>& d : call.dx)
      if (d.data) d = sorted({nullptr, d.rows, d.columns, d.stride}, *time, place);
  }
  call.lengths = time->descending.data();
  work();
  if (!backward) put_back(as_const(call.output), *time, y);
  for (std::size_t i = 0; backward && i < call.dx.size(); ++i)
    if (call.dx[i].data) put_back(as_const(call.dx[i]), *time, unsorted_dx_[i]);
  call.inputs = unsorted_inputs_, call.dx = unsorted_dx_;
  call.output = y, call.dy = dy, call.lengths = time->lengths.data();
}

// The rows with the longest samples first, at a place that moves on; without data, room for them.
template <class T> Matrix<T> Pass<T>::sorted(Matrix<const T> rows, const Time& time, T*& place) const {
  const Matrix<T> out{place, rows.rows, rows.columns, rows.stride};
  if (rows.data) network_.kernels().gather(rows.data, scalar_of<T>, rows.stride, time.order.data(), 0, out);
  place += workspace_.keep().capacity * rows.stride;
  return out;
}

template <class T> void Pass<T>::put_back(Matrix<const T> rows, const Time& time, Matrix<T> out) const {
  for (Size r = 0; r < rows.rows; ++r)
    std::copy_n(rows.data + r * rows.stride, rows.columns, out.data + at(time.order, r) * out.stride);
}

template <class T> Matrix<T> Pass<T>::input(Size i) const { return value(i); }

template <class T> void Pass<T>::read_input_from(Size input, const T* rows, Size stride) {
  reads_elsewhere_ = true;
  const std::vector<Node<T>>& nodes = network_.nodes();
  for (std::size_t n = times_.size(); n < nodes.size(); ++n)
    for (std::size_t i = 0; i < nodes[n].inputs.size(); ++i)
      if (nodes[n].inputs[i] == input) calls_[n].inputs[i].data = rows, calls_[n].inputs[i].stride = stride;
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
