#include "training/inference.hpp"

#include <algorithm>
#include <numeric>
#include <type_traits>

#include "base/arithmetic.hpp"
#include "base/team.hpp"
#include "kernels/products/matmul.hpp"
#include "training/partition.hpp"

namespace multicapa {
namespace {

constexpr double work_per_thread = 2e5;  // multiplications that repay waking another thread

template <class T> constexpr Scalar scalar_of = std::is_same_v<T, float> ? Scalar::float32 : Scalar::float64;

}  // namespace

template <class T> void Inference<T>::prepare(Size block_rows, int threads) {
  if (block_rows > capacity_) lanes_.clear(), capacity_ = block_rows;
  while (lanes_.size() < static_cast<std::size_t>(threads)) {
    Lane lane;
    lane.workspace = std::make_unique<Workspace<T>>(network_, Keep{RowPlaces::one_block, capacity_, false});
    lane.pass = std::make_unique<Pass<T>>(network_, *lane.workspace, false);
    for (Size o = 0; o < network_.output_count(); ++o)
      lane.losses.emplace_back(capacity_, network_.output_width(o), network_.output_steps(o));
    lanes_.push_back(std::move(lane));
  }
}

// Rows of the network's own type are read where they lie, unless they overlap, run backwards or are further apart than
// BLAS can count: products then give the same bits as for a copy. Those with lengths come in their order.
template <class T> void Inference<T>::place(Lane& lane, const std::vector<InputRows>& inputs, Size first, Size rows) {
  const bool ragged = !order_.empty();
  if (ragged) lane.pass->place(first, rows, inputs, order_.data(), first);
  else lane.pass->place(first, rows);
  for (Size i = 0; i < network_.input_count(); ++i) {
    const Rows& x = inputs[static_cast<std::size_t>(i)].x;
    const bool apart = x.stride >= network_.input_width(i) && x.stride <= most_units;
    if (!ragged && x.scalar == scalar_of<T> && apart)
      lane.pass->read_input_from(i, static_cast<const T*>(x.data) + first * x.stride, x.stride);
    else
      network_.kernels().gather(x.data, x.scalar, x.stride, ragged ? order_.data() : nullptr, first,
                                lane.pass->input(i));
  }
}

template <class T>
template <class Work>
bool Inference<T>::for_blocks(const std::vector<InputRows>& inputs, Size count, const std::vector<Size>& left_out,
                              bool calls_out, const Look& look, Work work) {
  const Partition partition = partition_inference(network_, count);
  const double work_per_row = std::max(network_.work_per_row(), 1.0);
  const std::size_t worthwhile =
      static_cast<std::size_t>(threads_for(work_per_row * static_cast<double>(count), work_per_thread));
  const int threads = calls_out ? 1 : static_cast<int>(std::min<std::size_t>(partition.blocks.size(), worthwhile));
  prepare(partition.largest_block, threads);
  sort(inputs, count);
  const Size end = static_cast<Size>(network_.nodes().size());
  hold_blas_at_one_thread();
  Interruption interruption(look, work_per_row * static_cast<double>(count));
  run_team(threads, [&](Member& member) {
    const ArithmeticScope scope(calls_out ? Arithmetic::as_it_is : Arithmetic::plain);
    Lane& lane = lanes_[static_cast<std::size_t>(member.index())];
    lane.pass->leave_out(left_out);
    lane.pass->set_interruption(member.index() == 0 ? &interruption : nullptr);
    member.phase(static_cast<Size>(partition.blocks.size()), [&](Size b) {
      if (interruption.abandoned()) return;
      const Block& block = partition.blocks[static_cast<std::size_t>(b)];
      place(lane, inputs, block.first, block.rows);
      lane.pass->forward(0, end);
      work(lane, block, b);
      if (member.index() == 0) interruption.report(work_per_row * static_cast<double>(block.rows));
    });
  });
  return !interruption.abandoned();
}

// By the lengths of the first input that has any.
template <class T> void Inference<T>::sort(const std::vector<InputRows>& inputs, Size count) {
  const auto ragged =
      std::find_if(inputs.begin(), inputs.end(), [](const InputRows& input) { return input.lengths != nullptr; });
  order_.resize(ragged == inputs.end() ? 0 : static_cast<std::size_t>(count));
  std::iota(order_.begin(), order_.end(), Size{0});
  std::sort(order_.begin(), order_.end(), [&](Size a, Size b) {
    const Size* const lengths = ragged->lengths;
    return lengths[a] > lengths[b] || (lengths[a] == lengths[b] && a < b);
  });
}

// The outputs of a block, back in their places; those of steps beyond a sample's end are zero.
template <class T>
void Inference<T>::hand_out(const Lane& lane, const Block& block, const std::vector<InputRows>& inputs,
                            const std::vector<T*>& outputs) const {
  for (Size o = 0; o < network_.output_count(); ++o) {
    T* const y = outputs.empty() ? nullptr : outputs[static_cast<std::size_t>(o)];
    if (!y) continue;
    const Node<T>& node = network_.output(o);
    const Size width = node.width, steps = network_.output_steps(o);
    const Matrix<const T> values = as_const(lane.pass->value(network_.output_node(o)));
    if (order_.empty()) {
      network_.kernels().copy(values, {y + block.first * width, block.rows, width, width});
      continue;
    }
    const Size* const lengths = steps && node.in_time() ? inputs[static_cast<std::size_t>(node.time)].lengths : nullptr;
    for (Size r = 0; r < block.rows; ++r) {
      const Size sample = order_[static_cast<std::size_t>(block.first + r)];
      const Size count = lengths ? width / steps * lengths[sample] : width;
      T* const row = y + sample * width;
      std::copy_n(values.data + r * values.stride, count, row);
      std::fill(row + count, row + width, T(0));
    }
  }
}

template <class T>
bool Inference<T>::predict(const std::vector<InputRows>& inputs, Size count, const std::vector<T*>& outputs,
                           const Look& look) {
  return for_blocks(inputs, count, {}, network_.calls_out(), look,
                    [&](Lane& lane, const Block& block, Size) { hand_out(lane, block, inputs, outputs); });
}

template <class T>
bool Inference<T>::evaluate(const Examples<T>& examples, const Objective<T>& objective, const std::vector<T*>& outputs,
                            std::vector<double>& costs, const Look& look) {
  const Size output_count = network_.output_count();
  const bool calls_out = network_.calls_out() || objective.calls_out();
  const std::size_t blocks = partition_inference(network_, examples.count).blocks.size();
  std::vector<double> of_blocks(blocks * static_cast<std::size_t>(output_count));
  // The losses read the logits, the caller wants the outputs.
  const bool finished =
      for_blocks(examples.inputs, examples.count, objective.left_out, calls_out, look,
                 [&](Lane& lane, const Block& block, Size b) {
                   for (Size o = 0; o < output_count; ++o) {
                     BlockLoss<T>& loss = lane.losses[static_cast<std::size_t>(o)];
                     const OutputLoss<T>& wanted = objective.losses[static_cast<std::size_t>(o)];
                     const Size width = network_.output_width(o);
                     loss.gather(network_.kernels(), examples.outputs[static_cast<std::size_t>(o)],
                                 order_.empty() ? nullptr : order_.data(), block.first, block.rows, width);
                     of_blocks[static_cast<std::size_t>(o) * blocks + static_cast<std::size_t>(b)] = loss.run(
                         wanted, as_const(lane.pass->value(wanted.reads)), {nullptr, block.rows, width, 1}, T(1));
                   }
                   if (outputs.empty()) return;
                   lane.pass->forward_left_out();
                   hand_out(lane, block, examples.inputs, outputs);
                 });
  costs.assign(static_cast<std::size_t>(output_count), 0);
  for (std::size_t i = 0; i < of_blocks.size(); ++i) costs[i / blocks] += of_blocks[i];
  return finished;
}

template class Inference<float>;
template class Inference<double>;

}  // namespace multicapa
