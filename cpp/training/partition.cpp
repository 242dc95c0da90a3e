#include "training/partition.hpp"

#include <algorithm>

namespace multicapa {
namespace {

constexpr double near_cache = 64 * 1024;     // bytes of a block's numbers that keep to L1 and the near part of L2
constexpr double outer_cache = 1024 * 1024;  // bytes of a whole batch's numbers that keep to L2
constexpr Size chunk_numbers = 4 << 20;      // numbers that all gradients per chunk may take together
constexpr Size rows_per_chunk = 128;         // so that adding up the chunks is little beside computing them
constexpr Size large_weights = 256 * 1024;   // a weight matrix that streams from L3 wants tall blocks
constexpr double work_worth_a_task = 1e6;    // multiplications, some tens of microseconds

template <class T> double bytes_per_row(const Network<T>& network, bool backward) {
  double numbers = 0;
  for (const Node<T>& node : network.nodes()) numbers += static_cast<double>(node.stride + node.plan.kept_per_row);
  return numbers * sizeof(T) * (backward ? 2 : 1);
}

template <class T> Size largest_weights(const Network<T>& network) {
  Size largest = 0;
  for (const Tensor& tensor : network.parameter_tensors()) largest = std::max(largest, tensor.count);
  return largest;
}

Size divide_up(Size a, Size b) { return (a + b - 1) / b; }

Partition cut(Size rows, Size block_count, Size chunk_count) {
  Partition partition;
  for (Size b = 0; b < block_count; ++b) {
    const Size first = rows * b / block_count, last = rows * (b + 1) / block_count;
    partition.blocks.push_back({first, last - first});
    partition.largest_block = std::max(partition.largest_block, last - first);
  }
  for (Size c = 0; c < chunk_count; ++c)
    partition.chunks.push_back({block_count * c / chunk_count, block_count * (c + 1) / chunk_count});
  return partition;
}

// A batch that outgrows the cache is better summed up chunk by chunk than kept whole for the second phase.
template <class T> Size count_chunks(const Network<T>& network, Size rows, Size blocks) {
  for (const Node<T>& node : network.nodes())
    if (node.plan.batch_sums > 0) return 0;  // every row must stay until the sums are known
  const double batch_bytes = bytes_per_row(network, true) * static_cast<double>(rows);
  if (batch_bytes <= outer_cache) return 0;
  const Size numbers = std::max(chunk_numbers, static_cast<Size>(batch_bytes / sizeof(T) / 4));
  return std::min({Size{64}, blocks, rows / rows_per_chunk, numbers / std::max<Size>(network.parameter_count(), 1)});
}

}  // namespace

template <class T> Partition partition_training(const Network<T>& network, Size rows) {
  const double row_bytes = bytes_per_row(network, true);
  const bool streams = largest_weights(network) >= large_weights;
  const Size smallest = streams ? 64 : 32, largest = streams ? 256 : 64;
  const Size height = std::clamp(static_cast<Size>(near_cache / row_bytes), smallest, largest);
  if (const Size chunks = count_chunks(network, rows, divide_up(rows, height)); chunks >= 4) {
    Partition partition = cut(rows, divide_up(divide_up(rows, height), chunks) * chunks, chunks);
    partition.by_chunk = true;
    return partition;
  }
  // An even number of blocks of some work each, so that two threads and more have something to share.
  Size blocks = divide_up(rows, height);
  const double work = network.work_per_row() * static_cast<double>(rows) * 3;
  const Size worthwhile = std::min<Size>({static_cast<Size>(work / work_worth_a_task), 4, rows / 16});
  blocks = std::max(blocks, worthwhile);
  if (blocks > 1) blocks += blocks % 2;
  blocks = std::min(blocks, rows);
  return cut(rows, blocks, blocks);
}

template <class T> Partition partition_inference(const Network<T>& network, Size rows) {
  const Size height =
      std::clamp(static_cast<Size>(4 * near_cache / bytes_per_row(network, false)), Size{32}, Size{256});
  const Size blocks = divide_up(rows, height);
  return cut(rows, blocks, blocks);
}

template Partition partition_training<float>(const Network<float>&, Size);
template Partition partition_training<double>(const Network<double>&, Size);
template Partition partition_inference<float>(const Network<float>&, Size);
template Partition partition_inference<double>(const Network<double>&, Size);

}  // namespace multicapa
