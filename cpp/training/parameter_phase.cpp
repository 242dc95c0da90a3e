#include "training/parameter_phase.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace multicapa {
namespace {

constexpr std::uint64_t weight_stream = 0xfffe;  // of random numbers; those of the nodes are numbered from 0

// All of these are measured (see bench/README.md).
constexpr Size small_network = 6 * 1024;  // parameters, whose gradients the first phase computes on its way
constexpr Size few_rows = 16;             // whose gradients are sums so short that memory is what they wait for
constexpr Size near_bytes = 16 * 1024;    // of such a gradient that the update finds in L1
constexpr Size least_row_columns = 32;    // of a product that is computed row by row
// In multiplications: some microseconds for a product, less than one for an update and the sums before it.
constexpr double work_per_product = 4e5, work_per_update = 5e3;
constexpr Size most_pieces = 16;

Size even(Size pieces) { return std::max<Size>(pieces + pieces % 2, 1); }  // for two threads to share

}  // namespace

template <class T>
ParameterPhase<T>::ParameterPhase(Network<T>& network, const Objective<T>& objective, const RowsPhase<T>& rows)
    : network_(network), objective_(objective), before_(rows) {
  plan_gradients();
  plan_tasks();
  if (objective.weight_noise > 0) noisy_ = Buffer<T>(network.parameter_count());
}

template <class T> void ParameterPhase<T>::plan_gradients() {
  const bool on_the_way = before_.chunks == 1 && (network_.parameter_count() < small_network || !before_.whole);
  Layout<T> layout;
  for (const Node<T>& n : network_.nodes()) {
    NodeGradient gradient;
    const bool whole_batch = n.plan.whole_batch_gradient && !n.is_shared();  // the calls' gradients add up by block
    if (n.shares >= 0) gradient = at(node_gradients_, n.shares);
    else if (n.plan.batch_sums > 0 || on_the_way || (before_.chunks == 1 && !whole_batch))
      gradient.origin = Origin::ready;
    else if (whole_batch && before_.whole) gradient.origin = Origin::whole_batch;
    else gradient = {Origin::chunks, layout.place(n.parameter_count)};
    node_gradients_.push_back(gradient);
  }
  all_ready_ = on_the_way;
  chunk_stride_ = layout.total();
  chunk_gradients_ = Buffer<T>(chunk_stride_ * before_.chunks);
}

template <class T> void ParameterPhase<T>::plan_tasks() {
  Size largest_product = 0;
  for (const Tensor& tensor : network_.parameter_tensors()) {
    const bool whole = at(node_gradients_, tensor.node).origin == Origin::whole_batch;
    const double work =
        static_cast<double>(tensor.count) * static_cast<double>(whole ? before_.rows : 8 + before_.chunks);
    const Size pieces = whole ? pieces_of_product(tensor, work) : pieces_of_update(tensor, work);
    const Size row_size = tensor.count / tensor.rows();
    for (Size p = 0; p < pieces; ++p) {
      const Size first = tensor.rows() * p / pieces, last = tensor.rows() * (p + 1) / pieces;
      tasks_.push_back({&tensor, first, last - first, tensor.offset + first * row_size, (last - first) * row_size,
                        work / static_cast<double>(pieces)});
      if (whole) largest_product = std::max(largest_product, tasks_.back().size);
    }
  }
  for (int t = 0; t < before_.threads; ++t) pieces_.emplace_back(largest_product);
  penalties_.resize(tasks_.size());
  squares_.resize(tasks_.size());
  plan_shares();
}

template <class T> Size ParameterPhase<T>::pieces_of_product(const Tensor& tensor, double work) const {
  if (before_.rows <= few_rows)
    return std::min(even(tensor.count / (near_bytes / static_cast<Size>(sizeof(T)))), tensor.rows());
  // Each piece packs the deltas of the whole batch for the tiles.
  const Size least_rows = !network_.kernels().tiles ? 16 : before_.rows < 128 ? 128 : 256;
  return even(std::min({static_cast<Size>(work / work_per_product), tensor.rows() / least_rows, most_pieces}));
}

template <class T> Size ParameterPhase<T>::pieces_of_update(const Tensor& tensor, double work) const {
  constexpr Size least_rows = 16;
  return even(std::min({static_cast<Size>(work / work_per_update), tensor.rows() / least_rows, most_pieces}));
}

// Small tasks are taken together, in an even number of shares of nearly the same work: each taking costs a message from
// core to core.
template <class T> void ParameterPhase<T>::plan_shares() {
  constexpr double work_per_share = 3e4;
  const double total =
      std::accumulate(tasks_.begin(), tasks_.end(), 0.0, [](double sum, const Task& task) { return sum + task.work; });
  const double wanted = std::max(2 * std::round(total / (2 * work_per_share)), 2.0);
  const bool each_alone = wanted >= static_cast<double>(tasks_.size());
  double before = 0;
  for (std::size_t t = 0; t < tasks_.size(); ++t) {
    const double middle = (before + tasks_[t].work / 2) / total * wanted;
    if (each_alone || middle >= static_cast<double>(shares_.size())) shares_.push_back(static_cast<Size>(t));
    before += tasks_[t].work;
  }
  shares_.push_back(static_cast<Size>(tasks_.size()));
}

// One phase: work(task) for all tasks.
template <class T>
template <class Work>
void ParameterPhase<T>::for_tasks(Member& member, Work&& work, const Closing& closing) {
  const auto run_share = [&](Size s) {
    for (Size t = at(shares_, s); t < at(shares_, s + 1); ++t) work(t);
  };
  member.phase(static_cast<Size>(shares_.size()) - 1, run_share, closing);
}

template <class T> void ParameterPhase<T>::place_gradients(Pass<T>& pass, Size chunk, bool accumulate) {
  for (std::size_t n = 0; n < node_gradients_.size(); ++n) {
    const NodeGradient& gradient = node_gradients_[n];
    T* place = nullptr;
    if (gradient.origin == Origin::ready) place = network_.gradients().data() + network_.nodes()[n].parameters;
    if (gradient.origin == Origin::chunks)
      place = chunk_gradients_.data() + chunk * chunk_stride_ + gradient.chunk_offset;
    pass.place_gradient(static_cast<Size>(n), place, accumulate || !network_.nodes()[n].begins_gradient);
  }
}

template <class T> const T* ParameterPhase<T>::perturb(Member& member, std::uint64_t step) {
  const KernelTable<T>& kernels = network_.kernels();
  const auto perturb = [&](Size t) {
    const Task& task = at(tasks_, t);
    const T* clean = network_.parameters().data() + task.offset;
    T* noisy = noisy_.data() + task.offset;
    if (task.tensor->penalized) {
      kernels.normal(network_.seed, step << 16 | weight_stream, task.offset, noisy, task.size);
      kernels.add_scaled(noisy, objective_.weight_noise, clean, noisy, task.size);
    } else {
      std::copy_n(clean, task.size, noisy);
    }
    derive(task, noisy_.data());
  };
  for_tasks(member, perturb, [] {});
  return noisy_.data();
}

template <class T> void ParameterPhase<T>::derive(const Task& task, const T* parameters) {
  const Node<T>& owner = node(task.tensor->node);
  if (owner.plan.derived && before_.derives)
    owner.layer->derive(network_.kernels(), parameters + owner.parameters, network_.derived().data() + owner.derived,
                        task.tensor->index, task.first, task.count);
}

template <class T>
void ParameterPhase<T>::run(Member& member, Optimizer<T>* optimizer, T l2, bool keep_gradient, const Closing& closing) {
  if (optimizer && updates_as_one(*optimizer))
    return member.phase(1, [&](Size) { update_as_one(*optimizer); }, closing);
  const bool rescales = optimizer && objective_.norm != GradientNorm::as_is;
  const auto trained = [&](Size t) { return !optimizer || !at(tasks_, t).tensor->frozen; };
  const auto compute = [&](Size t) {
    if (!trained(t)) return penalize_frozen(t, l2);
    if (optimizer && !rescales && !keep_gradient && update_by_product(t, *optimizer)) return;
    T* gradient = place(member, t, keep_gradient || rescales || !optimizer);
    compute_gradient(t, l2, gradient);
    if (optimizer && !rescales) apply_update(t, *optimizer, T(1), gradient);
  };
  if (!rescales) return for_tasks(member, compute, closing);
  for_tasks(member, compute, [&] { norm_factor_ = norm_factor(); });
  const auto update = [&](Size t) {
    if (trained(t)) apply_update(t, *optimizer, norm_factor_, place(member, t, true));
  };
  for_tasks(member, update, closing);
}

// What nobody asks for is not written to memory: the gradient of a task goes from one near cache to the update.
template <class T> T* ParameterPhase<T>::place(const Member& member, Size t, bool keep) {
  const Task& task = at(tasks_, t);
  const bool elsewhere = !keep && at(node_gradients_, task.tensor->node).origin == Origin::whole_batch;
  return elsewhere ? at(pieces_, member.index()).data() : network_.gradients().data() + task.offset;
}

// A network so small that its gradient is one thread's work is updated in one go over the flat vectors, unless some
// parameters are treated otherwise than others.
template <class T> bool ParameterPhase<T>::updates_as_one(const Optimizer<T>& optimizer) const {
  return all_ready_ && objective_.norm == GradientNorm::as_is && !objective_.clips_values &&
         !objective_.has_penalty() && !network_.any_frozen() &&
         (!optimizer.decays_weights() || objective_.penalize_biases);
}

template <class T> void ParameterPhase<T>::update_as_one(Optimizer<T>& optimizer) {
  optimizer.update(network_.parameters().data(), network_.gradients().data(), 0, network_.parameter_count(), true);
  for (const Task& task : tasks_) derive(task, network_.parameters().data());
}

// What stays as it is still has its part in the cost.
template <class T> void ParameterPhase<T>::penalize_frozen(Size t, T l2) {
  const Task& task = at(tasks_, t);
  T* gradient = network_.gradients().data() + task.offset;
  std::fill_n(gradient, task.size, T(0));
  add_penalty(t, gradient, l2);
}

template <class T> OwnPenalty<T> ParameterPhase<T>::own_penalty(const Tensor& tensor) const {
  if (objective_.own_penalties.empty()) return {};
  return at(objective_.own_penalties, static_cast<Size>(&tensor - network_.parameter_tensors().data()));
}

template <class T> void ParameterPhase<T>::add_penalty(Size t, T* gradient, T l2) {
  const Task& task = at(tasks_, t);
  OwnPenalty<T> sum = own_penalty(*task.tensor);
  if (objective_.penalizes(*task.tensor)) sum.l1 += objective_.l1, sum.l2 += l2;
  if (sum.l1 == 0 && sum.l2 == 0) return;
  at(penalties_, t).value =
      network_.kernels().penalty(network_.parameters().data() + task.offset, gradient, task.size, sum.l2, sum.l1);
}

template <class T> void ParameterPhase<T>::compute_gradient(Size t, T l2, T* gradient) {
  const Task& task = at(tasks_, t);
  const Node<T>& owner = node(task.tensor->node);
  const NodeGradient& source = at(node_gradients_, task.tensor->node);
  const KernelTable<T>& kernels = network_.kernels();
  if (source.origin == Origin::whole_batch)
    owner.layer->gradient(before_.whole->call(task.tensor->node), task.tensor->index, task.first, task.count, gradient);
  if (source.origin == Origin::chunks)
    kernels.sum_chunks(chunk_gradients_.data() + source.chunk_offset + (task.offset - owner.parameters), before_.chunks,
                       chunk_stride_, gradient, task.size);
  add_penalty(t, gradient, l2);
  if (objective_.clips_values) kernels.clip(gradient, task.size, objective_.clip_low, objective_.clip_high);
  if (objective_.norm != GradientNorm::as_is) at(squares_, t).value = kernels.sum_of_squares(gradient, task.size);
}

template <class T> void ParameterPhase<T>::apply_update(Size t, Optimizer<T>& optimizer, T factor, T* gradient) {
  const Task& task = at(tasks_, t);
  if (factor != T(1)) network_.kernels().scale(gradient, task.size, factor);
  optimizer.update(network_.parameters().data() + task.offset, gradient, task.offset, task.size,
                   task.tensor->penalized || objective_.penalize_biases, before_.threads > 1);
  derive(task, network_.parameters().data());
}

// The gradient of a single row is not even computed apart, as long as nothing happens to it before the update.
template <class T> bool ParameterPhase<T>::update_by_product(Size t, Optimizer<T>& optimizer) {
  const Task& task = at(tasks_, t);
  const Size columns = task.size / task.count;
  const OwnPenalty<T> own = own_penalty(*task.tensor);
  if (before_.rows != 1 || columns < least_row_columns || objective_.clips_values ||
      objective_.penalizes(*task.tensor) || own.l1 != 0 || own.l2 != 0)
    return false;
  if (at(node_gradients_, task.tensor->node).origin != Origin::whole_batch) return false;
  const OuterProduct<T> gradient =
      node(task.tensor->node).layer->gradient_factors(before_.whole->call(task.tensor->node), task.tensor->index);
  if (!gradient.left) return false;
  optimizer.update_by_product(network_.parameters().data() + task.offset, gradient.left + task.first, task.count,
                              gradient.right, columns, task.offset,
                              task.tensor->penalized || objective_.penalize_biases);
  derive(task, network_.parameters().data());
  return true;
}

template <class T> T ParameterPhase<T>::norm_factor() const {
  double squares = 0;
  for (std::size_t t = 0; t < tasks_.size(); ++t)
    if (!tasks_[t].tensor->frozen) squares += squares_[t].value;
  const double norm = std::isfinite(squares) ? std::sqrt(squares) : norm_beyond_squares();
  const double limit = static_cast<double>(objective_.norm_limit);
  const bool rescale = norm > 0 && (objective_.norm == GradientNorm::always || norm > limit);
  return rescale ? static_cast<T>(limit / norm) : T(1);
}

// Of a gradient whose squares overflow.
template <class T> double ParameterPhase<T>::norm_beyond_squares() const {
  double largest = 0, squares = 0;
  const auto for_all = [&](auto&& see) {
    for (const Task& task : tasks_)
      for (Size i = 0; i < task.size && !task.tensor->frozen; ++i)
        see(static_cast<double>(network_.gradients().data()[task.offset + i]));
  };
  for_all([&](double g) { largest = std::max(largest, std::abs(g)); });
  for_all([&](double g) { squares += (g / largest) * (g / largest); });
  return largest * std::sqrt(squares);
}

template <class T> double ParameterPhase<T>::penalty() const {
  if (!objective_.has_penalty()) return 0;
  double total = 0;
  for (const Apart<double>& penalty : penalties_) total += penalty.value;
  return total;
}

template class ParameterPhase<float>;
template class ParameterPhase<double>;

}  // namespace multicapa
