// How the work of a step is cut into tasks. It follows from the shapes alone, never from the number of threads, so the
// same sums are formed in the same order by one thread and by sixty-four.
#pragma once

#include <vector>

#include "training/objective.hpp"

namespace multicapa {

struct Block {
  Size first;
  Size rows;
};

// One task of the rows phase: blocks that one thread takes one after another.
struct Chunk {
  Size first_block;
  Size last_block;  // one past
};

struct Partition {
  std::vector<Block> blocks;
  std::vector<Chunk> chunks;
  bool by_chunk = false;  // gradients are summed up per chunk and the memory of a block is used again
  Size largest_block = 0;
};

// Narrow networks run with samples as columns: as long as every layer can, and the gradients of a block are added up
// while it is in the cache.
template <class T> Arrangement choose_arrangement(const Network<T>& network, const Objective<T>& objective, Size rows);

// keep_rows: every row of the batch has a place of its own, for someone who wants to look at it afterwards.
template <class T>
Partition partition_training(const Network<T>& network, Size rows, bool keep_rows, Arrangement arrangement);
template <class T> Partition partition_inference(const Network<T>& network, Size rows);

}  // namespace multicapa
