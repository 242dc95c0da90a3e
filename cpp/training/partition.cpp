#include "training/partition.hpp"

#include <algorithm>
#include <cmath>

namespace multicapa {
namespace {

constexpr double near_cache = 64 * 1024;    // bytes of a block's numbers that keep to L1 and the near part of L2
constexpr Size large_weights = 256 * 1024;  // numbers of a weight matrix that streams from L3 and wants tall blocks
constexpr Size packed_weights = 32 * 1024;  // that are packed for each block of rows, where there are tiles
constexpr double far_cache = 16 << 20;      // bytes of a whole batch's numbers that may lie side by side
constexpr Size wide_weights = 64 * 1024;    // numbers of a weight matrix whose products want all rows at once
constexpr Size wide_in_tiles = 12 * 1024;   // the same where there are tiles
constexpr double work_worth_a_task = 1e6;   // multiplications, some ten microseconds
constexpr Size least_columns = 8;           // fewer samples than that leave too many lanes idle
constexpr double work_worth_sharing = 6e5;  // of a whole step; less is done by one thread before two have met
constexpr double map_cache = 1 << 20;       // bytes of a block of maps that go through all layers in L2 and near it
constexpr double wide_maps = 128 * 1024;    // bytes of a sample's maps that are too many to lie beside fifteen others
constexpr Size many_filters = 32;           // in all layers: they fill the lanes themselves
constexpr double gradients_in_cache = 64 * 1024;  // numbers that stay in L2 until they are added up
constexpr Size least_rows = 4;                    // of a chunk with more of them than that
constexpr Size chunk_of_maps = 8;                 // times the work of a task, since there are gradients to add up

template <class T> double bytes_per_row(const Network<T>& network, bool backward) {
  double numbers = 0;
  for (const Node<T>& node : network.nodes()) numbers += static_cast<double>(node.stride + node.plan.kept_per_row);
  return numbers * sizeof(T) * (backward ? 2 : 1);
}

template <class T> bool has_maps(const Network<T>& network) {
  const auto shares = [](const Node<T>& node) { return node.plan.shares_weights; };
  return std::any_of(network.nodes().begin(), network.nodes().end(), shares);
}

template <class T> Size least_filters(const Network<T>& network) {
  Size least = many_filters;
  for (const Node<T>& node : network.nodes())
    if (node.plan.shares_weights) least = std::min(least, node.plan.output.back());
  return least;
}

template <class T> Size largest_weights(const Network<T>& network) {
  Size largest = 0;
  for (const Tensor& tensor : network.parameter_tensors()) largest = std::max(largest, tensor.count);
  return largest;
}

Size divide_up(Size a, Size b) { return (a + b - 1) / b; }

// Blocks of nearly equal numbers of rows, in multiples of `unit`.
Partition cut(Size rows, Size unit, Size block_count, Size chunk_count) {
  Partition partition;
  const Size units = divide_up(rows, unit);
  partition.blocks.reserve(static_cast<std::size_t>(block_count));  // or no memory, before any of it is filled
  for (Size b = 0; b < block_count; ++b) {
    const Size first = units * b / block_count * unit;
    const Size last = std::min(units * (b + 1) / block_count * unit, rows);
    partition.blocks.push_back({first, last - first});
    partition.largest_block = std::max(partition.largest_block, last - first);
  }
  for (Size c = 0; c < chunk_count; ++c)
    partition.chunks.push_back({block_count * c / chunk_count, block_count * (c + 1) / chunk_count});
  return partition;
}

// The largest that is not larger: chunks of maps are few, and should be of the same size.
Size power_of_two(Size number) {
  Size power = 1;
  while (2 * power <= number) power *= 2;
  return power;
}

template <class T> double work_of(const Network<T>& network, Size rows) {
  return 3 * network.work_per_row() * static_cast<double>(rows);
}

// How many gradients are summed up side by side, each over its own rows, while these are in the cache; 0 when the
// gradient over the whole batch is the better way. Both ways move numbers between the cores: the chunks their
// gradients, the whole batch its activations and deltas. But products of wide layers pay by their depth, and a gradient
// that is added up goes through memory once a block.
template <class T> Size count_chunks(const Network<T>& network, Size rows) {
  for (const Node<T>& node : network.nodes())
    if (node.plan.batch_sums > 0) return 0;  // every row must stay until the sums are known
  const double work = work_of(network, rows);
  if (work < work_worth_sharing) return 1;
  const bool maps = has_maps(network);
  const double chunk_work = 2.4 * work_worth_a_task * static_cast<double>(maps ? chunk_of_maps : 1);
  const Size wanted = std::clamp<Size>(2 * std::lround(work / chunk_work), 2, 64);
  const double batch_numbers = bytes_per_row(network, true) / sizeof(T) * static_cast<double>(rows);
  const Size wide = network.kernels().tiles ? wide_in_tiles : wide_weights;
  const bool are_most = !maps || 6 * static_cast<double>(largest_weights(network) * rows) > work;
  if (largest_weights(network) >= wide && are_most && batch_numbers * sizeof(T) <= far_cache) return 0;
  const double parameters = static_cast<double>(std::max<Size>(network.parameter_count(), 1));
  const Size affordable = static_cast<Size>(std::min(batch_numbers / ((maps ? 3 : 1.5) * parameters), 64.0));
  if (affordable < 2) return 0;
  // Of sequences a few rows have numbers enough to afford gradients that go through memory: they wait for more rows.
  const Size filled = parameters > gradients_in_cache ? std::max<Size>(rows / least_rows, 2) : rows;
  const Size chunks = std::min({wanted, affordable, filled});
  return maps ? power_of_two(chunks) : chunks;
}

}  // namespace

template <class T> Arrangement choose_arrangement(const Network<T>& network, const Objective<T>& objective, Size rows) {
  const std::vector<Node<T>>& nodes = network.nodes();
  for (Size n = network.input_count(); n < static_cast<Size>(nodes.size()); ++n)
    if (!nodes[static_cast<std::size_t>(n)].plan.either_arrangement && !objective.leaves_out(n))
      return Arrangement::samples_as_rows;
  if (rows < least_columns || count_chunks(network, rows) == 0) return Arrangement::samples_as_rows;
  if (has_maps(network) && (least_filters(network) >= many_filters || bytes_per_row(network, true) > wide_maps))
    return Arrangement::samples_as_rows;
  return Arrangement::samples_as_columns;
}

namespace {

template <class T> Partition partition_columns(const Network<T>& network, Size rows) {
  constexpr Size unit = aligned<T>(1);
  const bool maps = has_maps(network);
  const Size fitting = static_cast<Size>((maps ? map_cache : 4 * near_cache) / bytes_per_row(network, true));
  const Size height = std::clamp(maps ? fitting / unit * unit : fitting, Size{maps ? unit : 48}, Size{384});
  const Size units = divide_up(rows, unit), chunks = std::clamp<Size>(count_chunks(network, rows), 1, units);
  Partition partition = cut(rows, unit, std::min(divide_up(divide_up(rows, chunks), height) * chunks, units), chunks);
  partition.by_chunk = true;
  return partition;
}

}  // namespace

template <class T>
Partition partition_training(const Network<T>& network, Size rows, bool keep_rows, Arrangement arrangement) {
  if (arrangement == Arrangement::samples_as_columns) return partition_columns(network, rows);
  const double row_bytes = bytes_per_row(network, true);
  const Size weights = largest_weights(network);
  const bool streams = weights >= large_weights, packs = network.kernels().tiles && weights >= packed_weights;
  const bool maps = has_maps(network);
  const Size smallest = maps ? 8 : streams ? 128 : packs ? 64 : 32, largest = streams && !maps ? 256 : 64;
  const Size height = std::clamp(static_cast<Size>((maps ? map_cache : near_cache) / row_bytes), smallest, largest);
  if (const Size chunks = keep_rows ? 0 : std::min(count_chunks(network, rows), rows); chunks > 0) {
    Partition partition = cut(rows, 1, std::min(divide_up(divide_up(rows, chunks), height) * chunks, rows), chunks);
    partition.by_chunk = partition.blocks.size() > 1;  // else nothing is used again
    return partition;
  }
  // An even number of blocks of some work each, so that two threads and more have something to share.
  Size blocks = divide_up(rows, height);
  const Size tasks = static_cast<Size>(work_of(network, rows) / work_worth_a_task);
  const Size worthwhile = std::min<Size>({tasks, packs ? 2 : 4, rows / 16});
  blocks = std::max(blocks, worthwhile);
  if (blocks > 1) blocks += blocks % 2;
  blocks = std::min(blocks, rows);
  return cut(rows, 1, blocks, blocks);
}

template <class T> Partition partition_inference(const Network<T>& network, Size rows) {
  const bool maps = has_maps(network);
  const Size fitting = static_cast<Size>((maps ? map_cache : 4 * near_cache) / bytes_per_row(network, false));
  const Size height = std::clamp(fitting, Size{maps ? 8 : 32}, Size{256});
  const Size blocks = divide_up(rows, height);
  return cut(rows, 1, blocks, blocks);
}

template Arrangement choose_arrangement<float>(const Network<float>&, const Objective<float>&, Size);
template Arrangement choose_arrangement<double>(const Network<double>&, const Objective<double>&, Size);
template Partition partition_training<float>(const Network<float>&, Size, bool, Arrangement);
template Partition partition_training<double>(const Network<double>&, Size, bool, Arrangement);
template Partition partition_inference<float>(const Network<float>&, Size);
template Partition partition_inference<double>(const Network<double>&, Size);

}  // namespace multicapa
