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
    lane.loss = BlockLoss<T>(capacity_, network_.output_width(), network_.output_steps());
    lanes_.push_back(std::move(lane));
  }
}

// Rows of the network's own type are read where they lie, unless they overlap, run backwards or are further apart than
// BLAS can count: products then give the same bits as for a copy. Those with lengths come in their order.
template <class T> void Inference<T>::place(Lane& lane, const Rows& x, const Size* lengths, Size first, Size rows) {
  if (lengths) {
    lane.pass->place(first, rows, lengths, order_.data(), first);
    return network_.kernels().gather(x.data, x.scalar, x.stride, order_.data(), first, lane.pass->input());
  }
  const bool apart = x.stride >= network_.input_width() && x.stride <= most_units;
  lane.pass->place(first, rows);
  if (x.scalar == scalar_of<T> && apart)
    lane.pass->read_input_from(static_cast<const T*>(x.data) + first * x.stride, x.stride);
  else network_.kernels().gather(x.data, x.scalar, x.stride, nullptr, first, lane.pass->input());
}

template <class T>
template <class Work>
bool Inference<T>::for_blocks(const Rows& x, const Size* lengths, Size count, Size end, bool calls_out,
                              const Look& look, Work work) {
  const Partition partition = partition_inference(network_, count);
  const double work_per_row = std::max(network_.work_per_row(), 1.0);
  const std::size_t worthwhile =
      static_cast<std::size_t>(threads_for(work_per_row * static_cast<double>(count), work_per_thread));
  const int threads = calls_out ? 1 : static_cast<int>(std::min<std::size_t>(partition.blocks.size(), worthwhile));
  prepare(partition.largest_block, threads);
  sort(lengths, count);
  hold_blas_at_one_thread();
  Interruption interruption(look, work_per_row * static_cast<double>(count));
  run_team(threads, [&](Member& member) {
    const ArithmeticScope scope(calls_out ? Arithmetic::as_it_is : Arithmetic::plain);
    Lane& lane = lanes_[static_cast<std::size_t>(member.index())];
    lane.pass->set_interruption(member.index() == 0 ? &interruption : nullptr);
    member.phase(static_cast<Size>(partition.blocks.size()), [&](Size b) {
      if (interruption.abandoned()) return;
      const Block& block = partition.blocks[static_cast<std::size_t>(b)];
      place(lane, x, lengths, block.first, block.rows);
      lane.pass->forward(0, end);
      work(lane, block, b);
      if (member.index() == 0) interruption.report(work_per_row * static_cast<double>(block.rows));
    });
  });
  return !interruption.abandoned();
}

template <class T> void Inference<T>::sort(const Size* lengths, Size count) {
  order_.resize(lengths ? static_cast<std::size_t>(count) : 0);
  std::iota(order_.begin(), order_.end(), Size{0});
  std::sort(order_.begin(), order_.end(),
            [&](Size a, Size b) { return lengths[a] > lengths[b] || (lengths[a] == lengths[b] && a < b); });
}

// The outputs of a block, back in their places; those of steps beyond a sample's end are zero.
template <class T> void Inference<T>::hand_out(const Lane& lane, const Block& block, const Size* lengths, T* y) const {
  const Size width = network_.output_width(), steps = network_.output_steps();
  const Matrix<const T> values = as_const(lane.pass->value(static_cast<Size>(network_.nodes().size()) - 1));
  if (!lengths) return network_.kernels().copy(values, {y + block.first * width, block.rows, width, width});
  for (Size r = 0; r < block.rows; ++r) {
    const Size sample = order_[static_cast<std::size_t>(block.first + r)];
    const Size count = steps ? width / steps * lengths[sample] : width;
    T* const row = y + sample * width;
    std::copy_n(values.data + r * values.stride, count, row);
    std::fill(row + count, row + width, T(0));
  }
}

template <class T> bool Inference<T>::predict(const Rows& x, const Size* lengths, Size count, T* y, const Look& look) {
  const Size end = static_cast<Size>(network_.nodes().size());
  return for_blocks(x, lengths, count, end, network_.calls_out(), look,
                    [&](Lane& lane, const Block& block, Size) { hand_out(lane, block, lengths, y); });
}

template <class T>
bool Inference<T>::evaluate(const Samples<T>& samples, const Objective<T>& objective, T* outputs, double& cost,
                            const Look& look) {
  const Size end = static_cast<Size>(network_.nodes().size()), width = network_.output_width();
  const Size seen = end - (objective.fused ? 1 : 0);  // the loss reads the logits, the caller wants the outputs
  const bool calls_out = network_.calls_out() || objective.custom_loss;
  std::vector<double> costs(partition_inference(network_, samples.count).blocks.size());
  const bool finished = for_blocks(
      samples.x, samples.lengths, samples.count, seen, calls_out, look, [&](Lane& lane, const Block& block, Size b) {
        lane.loss.gather(network_.kernels(), samples, samples.lengths ? order_.data() : nullptr, block.first,
                         block.rows, width);
        costs[static_cast<std::size_t>(b)] =
            lane.loss.run(objective, as_const(lane.pass->value(seen - 1)), {nullptr, block.rows, width, 1}, T(1));
        if (!outputs) return;
        lane.pass->forward(seen, end);
        hand_out(lane, block, samples.lengths, outputs);
      });
  cost = 0;
  for (const double block : costs) cost += block;
  return finished;
}

template class Inference<float>;
template class Inference<double>;

}  // namespace multicapa
