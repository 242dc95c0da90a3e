#include "training/step.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace multicapa {
namespace {

template <class Vector> auto& at(Vector& vector, Size i) { return vector[static_cast<std::size_t>(i)]; }

// Streams of random numbers that belong to no node; nodes are numbered from 0.
constexpr std::uint64_t weight_stream = 0xfffe, target_stream = 0xffff;

}  // namespace

template <class T>
Step<T>::Step(Network<T>& network, const Objective<T>& objective, const StepShape& shape)
    : network_(network),
      objective_(objective),
      shape_(shape),
      work_per_row_(3 * network.work_per_row()),
      partition_(partition_training(network, shape.rows, shape.keep_rows, shape.arrangement)),
      chain_(shape.keep_rows || partition_.chunks.size() > 1 ? nullptr
                                                             : Chain<T>::plan(network, objective, shape.rows)),
      pace_(shape.threads, work_per_row_ * static_cast<double>(shape.rows)),
      block_costs_(partition_.blocks.size()) {
  const Size nodes = static_cast<Size>(network.nodes().size());
  for (Size n = 0; n < nodes; ++n)
    if (node(n).plan.batch_sums > 0)
      syncs_.push_back(n), sums_stride_ = std::max(sums_stride_, node(n).plan.batch_sums);
  for (const Block& block : partition_.blocks) block_rows_.push_back(block.rows);
  block_sums_ = Buffer<T>(sums_stride_ * static_cast<Size>(partition_.blocks.size()));
  plan_gradients();
  plan_tasks();
  plan_lanes();
  if (objective.weight_noise > 0) noisy_ = Buffer<T>(network.parameter_count());
}

template <class T> void Step<T>::plan_gradients() {
  Layout<T> layout;
  for (const Node<T>& n : network_.nodes()) {
    NodeGradient gradient;
    if (n.plan.batch_sums > 0 || partition_.chunks.size() == 1) gradient.origin = Origin::ready;
    else if (n.plan.whole_batch_gradient && !partition_.by_chunk) gradient.origin = Origin::whole_batch;
    else gradient = {Origin::chunks, layout.place(n.parameter_count)};
    node_gradients_.push_back(gradient);
  }
  chunk_stride_ = layout.total();
  chunk_gradients_ = Buffer<T>(chunk_stride_ * static_cast<Size>(partition_.chunks.size()));
}

template <class T> void Step<T>::plan_tasks() {
  // In multiplications: some microseconds for a product, less than one for an update and the sums before it.
  constexpr double work_per_product = 4e5, work_per_update = 5e3;
  const Size work_of_update = 8 + static_cast<Size>(partition_.chunks.size());
  constexpr Size most_pieces = 16;
  // Each piece of a product packs the deltas of the whole batch for the tiles.
  const Size rows_of_product = !network_.kernels().tiles ? 16 : rows() < 128 ? 128 : 256, rows_of_update = 16;
  for (const Tensor& tensor : network_.parameter_tensors()) {
    const bool whole = at(node_gradients_, tensor.node).origin == Origin::whole_batch;
    const double work = static_cast<double>(tensor.count) * static_cast<double>(whole ? rows() : work_of_update);
    const Size worthwhile = static_cast<Size>(work / (whole ? work_per_product : work_per_update));
    Size pieces = std::min({worthwhile, tensor.rows() / (whole ? rows_of_product : rows_of_update), most_pieces});
    pieces = std::max<Size>(pieces + pieces % 2, 1);  // an even number, for two threads to share
    const Size row_size = tensor.count / tensor.rows();
    for (Size p = 0; p < pieces; ++p) {
      const Size first = tensor.rows() * p / pieces, last = tensor.rows() * (p + 1) / pieces;
      tasks_.push_back({&tensor, first, last - first, tensor.offset + first * row_size, (last - first) * row_size,
                        work / static_cast<double>(pieces)});
    }
  }
  task_penalties_.resize(tasks_.size());
  task_squares_.resize(tasks_.size());
  plan_shares();
}

// Small tasks are taken together, in an even number of shares of nearly the same work: each taking costs a message from
// core to core.
template <class T> void Step<T>::plan_shares() {
  constexpr double work_per_share = 3e4;
  const double total = std::accumulate(tasks_.begin(), tasks_.end(), 0.0,
                                       [](double sum, const ParameterTask& task) { return sum + task.work; });
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
template <class T> template <class Work> void Step<T>::for_tasks(Member& member, Work&& work, const Closing& closing) {
  const auto run_share = [&](Size s) {
    for (Size t = at(shares_, s); t < at(shares_, s + 1); ++t) work(t);
  };
  member.phase(static_cast<Size>(shares_.size()) - 1, run_share, closing);
}

template <class T> void Step<T>::plan_lanes() {
  const Size block = partition_.largest_block;
  if (!partition_.by_chunk) {
    workspace_ = std::make_unique<Workspace<T>>(network_, Keep{RowPlaces::whole_batch, rows(), true});
    whole_ = std::make_unique<Pass<T>>(network_, *workspace_, true);
    whole_->place(0, rows());
  }
  for (int t = 0; t < shape_.threads; ++t) {
    Lane lane;
    if (partition_.by_chunk)
      lane.workspace =
          std::make_unique<Workspace<T>>(network_, Keep{RowPlaces::one_block, block, true, shape_.arrangement});
    lane.pass = std::make_unique<Pass<T>>(network_, lane.workspace ? *lane.workspace : *workspace_, true);
    lane.loss = BlockLoss<T>(block, network_.output_width(), shape_.arrangement);
    lanes_.push_back(std::move(lane));
  }
}

template <class T> Size Step<T>::end_node() const {
  return static_cast<Size>(network_.nodes().size()) - (objective_.fused ? 1 : 0);
}

// One phase: work(block) for all blocks, each on the lane of the member that took it.
template <class T>
template <class Work>
void Step<T>::for_blocks(Member& member, Lane& lane, Interruption& interruption, Work&& work, const Closing& closing) {
  const auto run_chunk = [&](Size c) {
    for (Size b = at(partition_.chunks, c).first_block; b < at(partition_.chunks, c).last_block; ++b) {
      if (interruption.abandoned()) return;
      place(lane, c, b);
      work(b);
      if (member.index() == 0) interruption.report(work_per_row_ * static_cast<double>(lane.pass->rows()));
    }
  };
  member.phase(static_cast<Size>(partition_.chunks.size()), run_chunk, closing);
}

template <class T>
void Step<T>::compute_rows(Member& member, const Samples<T>& samples, const BatchRows& batch, std::uint64_t step,
                           Interruption& interruption, const Closing& closing) {
  Lane& lane = at(lanes_, member.index());
  lane.pass->set_step(step);
  lane.divisor = static_cast<T>(divisor(samples, batch));
  const Input input{samples, batch, step};
  const bool noisy = objective_.weight_noise > 0;
  if (noisy) perturb_weights(member, step);
  lane.pass->read_parameters_from(noisy ? noisy_.data() : network_.parameters().data());

  const Size segments = static_cast<Size>(syncs_.size());
  for (Size s = 0; s < segments; ++s)
    for_blocks(
        member, lane, interruption, [&](Size b) { forward_segment(lane, s, b, input); },
        [&] { combine(lane, at(syncs_, s), false); });
  const auto turn = [&](Size b) {
    forward_segment(lane, segments, b, input);
    run_loss(lane, b, input);
    backward_segment(lane, segments, b);
  };
  if (chain_) return run_chain(member, lane, interruption, input, closing);
  if (segments == 0) return for_blocks(member, lane, interruption, turn, closing);
  for_blocks(member, lane, interruption, turn, [&] { combine(lane, syncs_.back(), true); });
  for (Size s = segments; s-- > 0;) {
    const auto return_block = [&](Size b) { backward_segment(lane, s, b); };
    if (s == 0) for_blocks(member, lane, interruption, return_block, closing);
    else for_blocks(member, lane, interruption, return_block, [&] { combine(lane, at(syncs_, s - 1), true); });
  }
}

// The whole batch is one task.
template <class T>
void Step<T>::run_chain(Member& member, const Lane& lane, Interruption& interruption, const Input& input,
                        const Closing& closing) {
  const auto run = [&](Size) {
    if (interruption.abandoned()) return;
    block_costs_[0] = chain_->run(input.samples, input.batch, T(1) / lane.divisor);
    prefetch_next({0, rows()}, input);
    if (member.index() == 0) interruption.report(work_per_row_ * static_cast<double>(rows()));
  };
  member.phase(1, run, closing);
}

// The batch sees w + stddev · n; the update goes to w itself.
template <class T> void Step<T>::perturb_weights(Member& member, std::uint64_t step) {
  const KernelTable<T>& kernels = network_.kernels();
  const auto perturb = [&](Size t) {
    const ParameterTask& task = at(tasks_, t);
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
}

template <class T> void Step<T>::derive(const ParameterTask& task, const T* parameters) {
  const Node<T>& owner = node(task.tensor->node);
  if (owner.plan.derived && derives())
    owner.layer->derive(network_.kernels(), parameters + owner.parameters, network_.derived().data() + owner.derived,
                        task.tensor->index, task.first, task.count);
}

template <class T> void Step<T>::place(Lane& lane, Size chunk, Size block) {
  if (lane.block == block) return;
  lane.block = block;
  lane.pass->place(at(partition_.blocks, block).first, at(partition_.blocks, block).rows);
  const bool later_in_chunk = block > at(partition_.chunks, chunk).first_block;
  for (std::size_t n = 0; n < node_gradients_.size(); ++n) {
    const NodeGradient& gradient = node_gradients_[n];
    T* place = nullptr;
    if (gradient.origin == Origin::ready) place = network_.gradients().data() + network_.nodes()[n].parameters;
    if (gradient.origin == Origin::chunks)
      place = chunk_gradients_.data() + chunk * chunk_stride_ + gradient.chunk_offset;
    lane.pass->place_gradient(static_cast<Size>(n), place, later_in_chunk);
  }
}

// The next batch's first rows of this block lie anywhere in memory; small steps would wait for each of them.
template <class T> void Step<T>::prefetch_next(const Block& rows, const Input& input) const {
  constexpr Size most_rows = 16, line = 64, most_bytes = 4 * line;
  const BatchRows& batch = input.batch;
  if (!batch.order) return;
  const Size first = batch.first + shape_.rows + rows.first;
  const Size last = std::min(first + std::min(rows.rows, most_rows), batch.end);
  const auto fetch = [&](const Rows& from, Size width, Size sample) {
    if (!from.data) return;
    const Size size = from.scalar == Scalar::float32 ? 4 : 8, bytes = std::min(width * size, most_bytes);
    const char* row = static_cast<const char*>(from.data) + sample * from.stride * size;
    for (Size byte = 0; byte < bytes; byte += line) __builtin_prefetch(row + byte);
  };
  for (Size r = first; r < last; ++r) {
    const Size sample = batch.order[r];
    fetch(input.samples.x, network_.input_width(), sample);
    fetch(input.samples.targets, network_.output_width(), sample);
    if (input.samples.classes) __builtin_prefetch(input.samples.classes + sample);
  }
}

// Segment s runs from one synchronising node to the next; before the latter runs, its sums are taken.
template <class T> void Step<T>::forward_segment(Lane& lane, Size segment, Size block, const Input& input) {
  const Block& rows = at(partition_.blocks, block);
  if (segment == 0) {
    const Rows& x = input.samples.x;
    const Size first = input.batch.first + rows.first;
    const KernelTable<T>& kernels = network_.kernels();
    if (shape_.arrangement == Arrangement::samples_as_rows)
      kernels.gather(x.data, x.scalar, x.stride, input.batch.order, first, lane.pass->input());
    else kernels.gather_columns(x.data, x.scalar, x.stride, input.batch.order, first, rows.rows, lane.pass->input());
    prefetch_next(rows, input);
  }
  const bool last = segment == static_cast<Size>(syncs_.size());
  const Size from = segment == 0 ? 0 : at(syncs_, segment - 1), to = last ? end_node() : at(syncs_, segment);
  lane.pass->forward(from, to);
  if (!last) node(to).layer->forward_sums(lane.pass->call(to), block_sums_.data() + block * sums_stride_);
}

// The same segment in reverse; before a synchronising node passes its gradient on, its sums are taken.
template <class T> void Step<T>::backward_segment(Lane& lane, Size segment, Size block) {
  const bool last = segment == static_cast<Size>(syncs_.size());
  const Size to = last ? end_node() : at(syncs_, segment) + 1;
  if (segment == 0) return lane.pass->backward(0, to);
  const Size sync = at(syncs_, segment - 1);
  lane.pass->backward(sync + 1, to);
  node(sync).layer->backward_sums(lane.pass->call(sync), block_sums_.data() + block * sums_stride_);
}

template <class T> void Step<T>::combine(Lane& lane, Size sync, bool backward) {
  const BlockSums<T> sums{block_sums_.data(), sums_stride_, static_cast<Size>(block_rows_.size()), block_rows_.data()};
  if (backward) node(sync).layer->combine_backward(lane.pass->call(sync), sums);
  else node(sync).layer->combine_forward(lane.pass->call(sync), sums);
}

template <class T> void Step<T>::run_loss(Lane& lane, Size block, const Input& input) {
  const Size last = end_node() - 1;
  const Block& rows = at(partition_.blocks, block);
  lane.loss.gather(network_.kernels(), input.samples, input.batch.order, input.batch.first + rows.first, rows.rows,
                   network_.output_width());
  if (objective_.target_noise > 0)
    lane.loss.add_noise(network_.kernels(), objective_.target_noise, network_.seed, input.step << 16 | target_stream,
                        rows.first);
  at(block_costs_, block) =
      lane.loss.run(objective_, as_const(lane.pass->value(last)), lane.pass->gradient(last), T(1) / lane.divisor);
}

template <class T> void Step<T>::update_parameters(Member& member, Optimizer<T>* optimizer, const Closing& closing) {
  if (optimizer && updates_as_one(*optimizer))
    return member.phase(1, [&](Size) { update_as_one(*optimizer); }, closing);
  const bool rescales = optimizer && objective_.norm != GradientNorm::as_is;
  const T l2 = objective_.l2 + objective_.l2_shared / at(lanes_, member.index()).divisor;
  const auto trained = [&](Size t) { return !optimizer || !at(tasks_, t).tensor->frozen; };
  const auto compute = [&](Size t) {
    if (!trained(t)) return penalize_frozen(t, l2);
    compute_gradient(t, l2);
    if (optimizer && !rescales) apply_update(t, *optimizer, T(1));
  };
  if (!rescales) return for_tasks(member, compute, closing);
  for_tasks(member, compute, [&] { norm_factor_ = norm_factor(); });
  const auto update = [&](Size t) {
    if (trained(t)) apply_update(t, *optimizer, norm_factor_);
  };
  for_tasks(member, update, closing);
}

// A network so small that its gradient is one thread's work is updated in one go over the flat vectors, unless some
// parameters are treated otherwise than others.
template <class T> bool Step<T>::updates_as_one(const Optimizer<T>& optimizer) const {
  return partition_.chunks.size() == 1 && objective_.norm == GradientNorm::as_is && !objective_.clips_values &&
         !objective_.has_penalty() && !network_.any_frozen() &&
         (!optimizer.decays_weights() || objective_.penalize_biases);
}

template <class T> void Step<T>::update_as_one(Optimizer<T>& optimizer) {
  optimizer.update(network_.parameters().data(), network_.gradients().data(), 0, network_.parameter_count(), true);
  for (const ParameterTask& task : tasks_) derive(task, network_.parameters().data());
}

// What stays as it is still has its part in the cost.
template <class T> void Step<T>::penalize_frozen(Size t, T l2) {
  const ParameterTask& task = at(tasks_, t);
  T* gradient = network_.gradients().data() + task.offset;
  std::fill_n(gradient, task.size, T(0));
  at(task_penalties_, t) = add_penalty(task, gradient, l2);
}

template <class T> double Step<T>::add_penalty(const ParameterTask& task, T* gradient, T l2) {
  if (!objective_.penalizes(*task.tensor)) return 0;
  return network_.kernels().penalty(network_.parameters().data() + task.offset, gradient, task.size, l2, objective_.l1);
}

template <class T> void Step<T>::compute_gradient(Size t, T l2) {
  const ParameterTask& task = at(tasks_, t);
  const Node<T>& owner = node(task.tensor->node);
  const NodeGradient& source = at(node_gradients_, task.tensor->node);
  const KernelTable<T>& kernels = network_.kernels();
  T* gradient = network_.gradients().data() + task.offset;
  if (source.origin == Origin::whole_batch)
    owner.layer->gradient(whole_->call(task.tensor->node), task.tensor->index, task.first, task.count, gradient);
  if (source.origin == Origin::chunks)
    kernels.sum_chunks(chunk_gradients_.data() + source.chunk_offset + (task.offset - owner.parameters),
                       static_cast<Size>(partition_.chunks.size()), chunk_stride_, gradient, task.size);
  at(task_penalties_, t) = add_penalty(task, gradient, l2);
  if (objective_.clips_values) kernels.clip(gradient, task.size, objective_.clip_low, objective_.clip_high);
  if (objective_.norm != GradientNorm::as_is) at(task_squares_, t) = kernels.sum_of_squares(gradient, task.size);
}

template <class T> void Step<T>::apply_update(Size t, Optimizer<T>& optimizer, T factor) {
  const ParameterTask& task = at(tasks_, t);
  T* gradient = network_.gradients().data() + task.offset;
  if (factor != T(1)) network_.kernels().scale(gradient, task.size, factor);
  optimizer.update(network_.parameters().data() + task.offset, gradient, task.offset, task.size,
                   task.tensor->penalized || objective_.penalize_biases);
  derive(task, network_.parameters().data());
}

template <class T> T Step<T>::norm_factor() const {
  double squares = 0;
  for (std::size_t t = 0; t < tasks_.size(); ++t)
    if (!tasks_[t].tensor->frozen) squares += task_squares_[t];
  const double norm = std::sqrt(squares), limit = static_cast<double>(objective_.norm_limit);
  const bool rescale = norm > 0 && (objective_.norm == GradientNorm::always || norm > limit);
  return rescale ? static_cast<T>(limit / norm) : T(1);
}

template <class T> std::pair<Matrix<T>, Matrix<T>> Step<T>::last_batch(Size n) const {
  if (!whole_ || n >= end_node()) return {};
  return {whole_->value(n), node(n).wants_gradient ? whole_->gradient(n) : Matrix<T>{}};
}

template <class T> double Step<T>::cost() const {
  double total = 0;
  for (const double cost : block_costs_) total += cost;
  return total;
}

template <class T> double Step<T>::penalty() const {
  double total = 0;
  for (const double penalty : task_penalties_) total += penalty;
  return total;
}

template <class T> double Step<T>::divisor(const Samples<T>& samples, const BatchRows& batch) const {
  if (!objective_.weighted_mean || !samples.weights) return static_cast<double>(shape_.rows);
  double total = 0;
  for (Size r = batch.first; r < batch.first + shape_.rows; ++r)
    total += static_cast<double>(samples.weights[batch.order ? batch.order[r] : r]);
  return total;
}

template class Step<float>;
template class Step<double>;

}  // namespace multicapa
