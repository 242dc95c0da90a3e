#include "training/step.hpp"

#include <algorithm>
#include <limits>

#include "base/prefetch.hpp"

namespace multicapa {
namespace {

// Of a sample, or of its steps where these have costs of their own.
template <class T> double weight_of(const Samples<T>& samples, Size sample, Size all_steps) {
  const Size steps = !all_steps ? 1 : samples.lengths ? samples.lengths[sample] : all_steps;
  if (!samples.step_weights) return static_cast<double>(steps) * static_cast<double>(samples.weights[sample]);
  double total = 0;
  for (Size t = 0; t < steps; ++t) total += static_cast<double>(samples.weights[sample * all_steps + t]);
  return total;
}

// Of random numbers; those of the nodes are numbered from 0, and 0xfffe is that of the weights.
std::uint64_t target_stream(Size output) { return output == 0 ? 0xffff : 0xfffe - static_cast<std::uint64_t>(output); }

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
      block_costs_(partition_.blocks.size() * objective.losses.size()) {
  const Size nodes = static_cast<Size>(network.nodes().size());
  for (Size n = 0; n < nodes; ++n)
    if (node(n).plan.batch_sums > 0)
      syncs_.push_back(n), sums_stride_ = std::max(sums_stride_, node(n).plan.batch_sums);
  block_sums_ = Buffer<T>(sums_stride_ * static_cast<Size>(partition_.blocks.size()));
  plan_lanes();
  // Of samples with lengths each block adds up the gradients of the steps that exist.
  const RowsPhase<T> rows{chain_ || shape.ragged ? nullptr : whole_.get(), shape.rows,
                          static_cast<Size>(partition_.chunks.size()), reads_derived(), shape.threads};
  parameters_ = std::make_unique<ParameterPhase<T>>(network, objective, rows);
}

template <class T> void Step<T>::plan_lanes() {
  const Size block = partition_.largest_block;
  if (!partition_.by_chunk) {
    const Keep keep{RowPlaces::whole_batch, rows(), true, Arrangement::samples_as_rows, shape_.keep_rows};
    workspace_ = std::make_unique<Workspace<T>>(network_, keep);
    whole_ = std::make_unique<Pass<T>>(network_, *workspace_, true);
    whole_->leave_out(objective_.left_out);
    whole_->place(0, rows());
  }
  for (int t = 0; t < shape_.threads; ++t) {
    Lane lane;
    if (partition_.by_chunk)
      lane.workspace =
          std::make_unique<Workspace<T>>(network_, Keep{RowPlaces::one_block, block, true, shape_.arrangement});
    lane.pass =
        std::make_unique<Pass<T>>(network_, lane.workspace ? *lane.workspace : *workspace_, true, shape_.threads > 1);
    lane.pass->set_bptt(shape_.bptt);
    lane.pass->leave_out(objective_.left_out);
    for (Size o = 0; o < network_.output_count(); ++o)
      lane.losses.emplace_back(block, network_.output_width(o), network_.output_steps(o), shape_.arrangement);
    lane.divisors.resize(lane.losses.size());
    lanes_.push_back(std::move(lane));
  }
}

// One phase: work(block) for all blocks, each on the lane of the member that took it.
template <class T>
template <class Work>
void Step<T>::for_blocks(Member& member, Lane& lane, Interruption& interruption, const Input& input, Work&& work,
                         const Closing& closing) {
  const auto run_chunk = [&](Size c) {
    for (Size b = at(partition_.chunks, c).first_block; b < at(partition_.chunks, c).last_block; ++b) {
      if (interruption.abandoned()) return;
      place(lane, c, b, input);
      work(b);
      if (member.index() == 0) interruption.report(work_per_row_ * static_cast<double>(lane.pass->rows()));
    }
  };
  member.phase(static_cast<Size>(partition_.chunks.size()), run_chunk, closing);
}

template <class T>
void Step<T>::compute_rows(Member& member, const Examples<T>& examples, const BatchRows& batch, std::uint64_t step,
                           Interruption& interruption, const Closing& closing) {
  Lane& lane = at(lanes_, member.index());
  lane.pass->set_step(step);
  lane.pass->set_interruption(member.index() == 0 ? &interruption : nullptr);
  for (Size o = 0; o < network_.output_count(); ++o) at(lane.divisors, o) = static_cast<T>(divisor(o, examples, batch));
  if (shape_.ragged) lane.block = -1;
  const Input input{examples, batch, step};
  const bool noisy = objective_.weight_noise > 0;
  lane.pass->read_parameters_from(noisy ? parameters_->perturb(member, step) : network_.parameters().data());

  const Size segments = static_cast<Size>(syncs_.size());
  for (Size s = 0; s < segments; ++s)
    for_blocks(
        member, lane, interruption, input, [&](Size b) { forward_segment(lane, s, b, input); },
        [&] { combine(lane, at(syncs_, s), false); });
  const auto turn = [&](Size b) {
    forward_segment(lane, segments, b, input);
    run_losses(lane, b, input);
    backward_segment(lane, segments, b);
  };
  if (chain_) return run_chain(member, lane, interruption, input, closing);
  if (segments == 0) return for_blocks(member, lane, interruption, input, turn, closing);
  for_blocks(member, lane, interruption, input, turn, [&] { combine(lane, syncs_.back(), true); });
  for (Size s = segments; s-- > 0;) {
    const auto return_block = [&](Size b) { backward_segment(lane, s, b); };
    if (s == 0) for_blocks(member, lane, interruption, input, return_block, closing);
    else for_blocks(member, lane, interruption, input, return_block, [&] { combine(lane, at(syncs_, s - 1), true); });
  }
}

// The whole batch is one task.
template <class T>
void Step<T>::run_chain(Member& member, const Lane& lane, Interruption& interruption, const Input& input,
                        const Closing& closing) {
  const auto run = [&](Size) {
    if (interruption.abandoned()) return;
    block_costs_[0].value = chain_->run(input.examples.outputs[0], input.batch, T(1) / lane.divisors[0]);
    prefetch_next({0, rows()}, input);
    if (member.index() == 0) interruption.report(work_per_row_ * static_cast<double>(rows()));
  };
  member.phase(1, run, closing);
}

template <class T> void Step<T>::place(Lane& lane, Size chunk, Size block, const Input& input) {
  if (lane.block == block) return;
  lane.block = block;
  const Block& rows = at(partition_.blocks, block);
  if (!shape_.ragged) lane.pass->place(rows.first, rows.rows);
  else
    lane.pass->place(rows.first, rows.rows, input.examples.inputs, input.batch.order, input.batch.first + rows.first);
  parameters_->place_gradients(*lane.pass, chunk, block > at(partition_.chunks, chunk).first_block);
}

// The rows of batches to come lie anywhere in memory; steps of few rows would wait for each of them, unless all samples
// lie in the caches.
template <class T> void Step<T>::prefetch_next(const Block& rows, const Input& input) const {
  constexpr Size most_rows = 16, least_distance = 8, line = 64, most_bytes = 4 * line, near_numbers = 1 << 17;
  const BatchRows& batch = input.batch;
  if (!batch.order || shape_.rows > most_rows) return;
  const Examples<T>& examples = input.examples;
  Size numbers = 0;
  for (std::size_t i = 0; i < examples.inputs.size(); ++i) numbers += network_.input_width(static_cast<Size>(i));
  for (std::size_t o = 0; o < examples.outputs.size(); ++o) numbers += network_.output_width(static_cast<Size>(o));
  if (batch.end * numbers < near_numbers) return;
  const Size first = batch.first + std::max(shape_.rows, least_distance) + rows.first;
  const Size last = std::min(first + rows.rows, batch.end);
  const auto fetch = [&](const Rows& from, Size width, Size sample) {
    if (!from.data) return;
    const Size size = from.scalar == Scalar::float32 ? 4 : 8, bytes = std::min(width * size, most_bytes);
    const char* row = static_cast<const char*>(from.data) + sample * from.stride * size;
    for (Size byte = 0; byte < bytes; byte += line) prefetch(row + byte);
  };
  for (Size r = first; r < last; ++r) {
    const Size sample = batch.order[r];
    for (std::size_t i = 0; i < examples.inputs.size(); ++i)
      fetch(examples.inputs[i].x, network_.input_width(static_cast<Size>(i)), sample);
    for (std::size_t o = 0; o < examples.outputs.size(); ++o) {
      fetch(examples.outputs[o].targets, network_.output_width(static_cast<Size>(o)), sample);
      if (examples.outputs[o].classes) prefetch(examples.outputs[o].classes + sample);
    }
  }
}

// Segment s runs from one synchronising node to the next; before the latter runs, its sums are taken.
template <class T> void Step<T>::forward_segment(Lane& lane, Size segment, Size block, const Input& input) {
  const Block& rows = at(partition_.blocks, block);
  if (segment == 0) {
    const Size first = input.batch.first + rows.first;
    const KernelTable<T>& kernels = network_.kernels();
    for (Size i = 0; i < network_.input_count(); ++i) {
      const Rows& x = at(input.examples.inputs, i).x;
      const Matrix<T> to = lane.pass->input(i);
      if (shape_.arrangement == Arrangement::samples_as_rows)
        kernels.gather(x.data, x.scalar, x.stride, input.batch.order, first, to);
      else kernels.gather_columns(x.data, x.scalar, x.stride, input.batch.order, first, rows.rows, to);
    }
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
  const BlockSums<T> sums{block_sums_.data(), sums_stride_, static_cast<Size>(partition_.blocks.size())};
  if (backward) node(sync).layer->combine_backward(lane.pass->call(sync), sums);
  else node(sync).layer->combine_forward(lane.pass->call(sync), sums);
}

template <class T> void Step<T>::run_losses(Lane& lane, Size block, const Input& input) {
  const Block& rows = at(partition_.blocks, block);
  for (Size o = 0; o < network_.output_count(); ++o) {
    BlockLoss<T>& loss = at(lane.losses, o);
    const OutputLoss<T>& wanted = at(objective_.losses, o);
    loss.gather(network_.kernels(), at(input.examples.outputs, o), input.batch.order, input.batch.first + rows.first,
                rows.rows, network_.output_width(o));
    if (objective_.target_noise > 0)
      loss.add_noise(network_.kernels(), objective_.target_noise, network_.seed, input.step << 16 | target_stream(o),
                     rows.first);
    const T scale = static_cast<T>(wanted.weight) / at(lane.divisors, o);
    at(block_costs_, o * static_cast<Size>(partition_.blocks.size()) + block).value =
        loss.run(wanted, as_const(lane.pass->value(wanted.reads)), lane.pass->gradient(wanted.reads), scale);
  }
}

template <class T>
void Step<T>::update_parameters(Member& member, Optimizer<T>* optimizer, bool keep_gradient, const Closing& closing) {
  const T l2 = objective_.l2 + objective_.l2_shared / at(lanes_, member.index()).divisors[0];
  parameters_->run(member, optimizer, l2, keep_gradient, closing);
}

// By registers, there and back over the blocks; a block ends register by register.
template <class T> void Step<T>::deal(Size* order) {
  const Size blocks = static_cast<Size>(partition_.blocks.size()), width = network_.kernels().vector_width;
  if (shape_.arrangement != Arrangement::samples_as_columns || blocks < 2) return;
  dealt_.resize(static_cast<std::size_t>(rows()));
  filled_.assign(static_cast<std::size_t>(blocks), 0);
  Size b = 0, direction = 1;
  for (Size sample = 0; sample < rows();) {
    const Block& block = at(partition_.blocks, b);
    const Size count = std::min(width, block.rows - at(filled_, b));
    std::copy_n(order + sample, count, dealt_.data() + block.first + at(filled_, b));
    at(filled_, b) += count, sample += count;
    const Size next = b + direction;
    if (next < 0 || next >= blocks) direction = -direction;
    else b = next;
  }
  std::copy_n(dealt_.data(), rows(), order);
}

template <class T> void Step<T>::complete_outputs() { whole_->forward_left_out(); }

template <class T> std::pair<Matrix<T>, Matrix<T>> Step<T>::last_batch(Size n) const {
  const bool has_delta = node(n).wants_gradient && !objective_.leaves_out(n);
  return {whole_->value(n), has_delta ? whole_->gradient(n) : Matrix<T>{}};
}

template <class T> double Step<T>::sum_of_costs(Size output) const {
  const std::size_t blocks = partition_.blocks.size(), first = static_cast<std::size_t>(output) * blocks;
  double total = 0;
  for (std::size_t b = first; b < first + blocks; ++b) total += block_costs_[b].value;
  return total;
}

template <class T> double Step<T>::cost(Size output, const Examples<T>& examples, const BatchRows& batch) const {
  return sum_of_costs(output) / divisor(output, examples, batch);
}

template <class T> double Step<T>::cost(const Examples<T>& examples, const BatchRows& batch) const {
  double total = 0;
  for (Size o = 0; o < network_.output_count(); ++o)
    total += at(objective_.losses, o).weight * cost(o, examples, batch);
  return total;
}

template <class T> double Step<T>::costs(Size output, const Examples<T>& examples, const BatchRows& batch) const {
  const Samples<T>& samples = at(examples.outputs, output);
  const Size steps = network_.output_steps(output);
  if (!steps || !samples.lengths) return static_cast<double>(shape_.rows * std::max<Size>(steps, 1));
  Size total = 0;
  for (Size r = batch.first; r < batch.first + shape_.rows; ++r)
    total += samples.lengths[batch.order ? batch.order[r] : r];
  return static_cast<double>(total);
}

template <class T> double Step<T>::divisor(Size output, const Examples<T>& examples, const BatchRows& batch) const {
  const Samples<T>& samples = at(examples.outputs, output);
  double total = 0;
  if (!objective_.weighted_mean || !samples.weights) total = costs(output, examples, batch);
  else
    for (Size r = batch.first; r < batch.first + shape_.rows; ++r)
      total += weight_of(samples, batch.order ? batch.order[r] : r, network_.output_steps(output));
  return std::max(total, std::numeric_limits<double>::min());
}

template class Step<float>;
template class Step<double>;

}  // namespace multicapa
