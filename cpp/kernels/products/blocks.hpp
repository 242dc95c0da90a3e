// C = A·B for a B that comes from an outer cache or memory: cut into blocks, each copied to where its numbers lie side
// by side and multiplied with all rows of A while it is in the innermost caches. The copy costs one part in as
// many as A has rows.
#pragma once

#include <algorithm>

#include "base/memory.hpp"
#include "kernels/table.hpp"

namespace multicapa {

// B, or the matrix whose transpose it is.
template <class T> struct BlockSource {
  const T* data;
  Size stride;
  bool transposed;
};

template <class T> class BlockedProduct {
 public:
  BlockedProduct(const KernelTable<T>& kernels, GemmShape shape, BlockSource<T> b)
      : kernels_(kernels),
        shape_(shape),
        b_(b),
        depth_blocks_(divide_up(shape.depth, most_depth)),
        block_count_(depth_blocks_ * divide_up(shape.columns, kernels.block_columns)) {}

  // As KernelTable::gemm.
  void run(const T* a, Size a_row, Size a_column, GemmBias<T> bias, T* c, Size c_stride, bool accumulate) const {
    alignas(alignment) T packed[most_depth * most_columns];
    for (Size n = 0; n < block_count_; ++n) {
      const Block block = at(n);
      pack(block, packed);
      const bool first = block.depth == 0;
      const GemmBias<T> start{first && bias.per_column ? bias.per_column + block.column : nullptr,
                              first ? bias.per_row : nullptr};
      kernels_.gemm({shape_.rows, block.columns, block.depth_count}, a + block.depth * a_column, a_row, a_column,
                    packed, kernels_.block_columns, start, c + block.column, c_stride, accumulate || !first);
    }
  }

 private:
  static constexpr Size most_depth = 128, most_columns = 256 / sizeof(T);  // 32 KB, which share L1 with rows of A

  struct Block {
    Size depth, depth_count, column, columns;
  };

  static Size divide_up(Size a, Size b) { return (a + b - 1) / b; }

  // Blocks run down the depth first, so that a stripe of C stays close until it is complete.
  Block at(Size n) const {
    const Size d = n % depth_blocks_, column = n / depth_blocks_ * kernels_.block_columns;
    const Size quarter = divide_up(shape_.depth, 4);  // tiles take the depth in fours
    const Size from = std::min(quarter * d / depth_blocks_ * 4, shape_.depth);
    const Size to = std::min(quarter * (d + 1) / depth_blocks_ * 4, shape_.depth);
    return {from, to - from, column, std::min(kernels_.block_columns, shape_.columns - column)};
  }

  Matrix<const T> numbers(const Block& block) const {
    if (b_.transposed)
      return {b_.data + block.column * b_.stride + block.depth, block.columns, block.depth_count, b_.stride};
    return {b_.data + block.depth * b_.stride + block.column, block.depth_count, block.columns, b_.stride};
  }

  void pack(const Block& block, T* packed) const {
    const Matrix<const T> source = numbers(block);
    if (b_.transposed) kernels_.transpose(source, packed, kernels_.block_columns);
    else kernels_.copy(source, {packed, source.rows, source.columns, kernels_.block_columns});
  }

  const KernelTable<T>& kernels_;
  const GemmShape shape_;
  const BlockSource<T> b_;
  const Size depth_blocks_, block_count_;
};

template <class T>
void multiply_in_blocks(const KernelTable<T>& kernels, GemmShape shape, const T* a, Size a_row, Size a_column,
                        BlockSource<T> b, GemmBias<T> bias, T* c, Size c_stride, bool accumulate) {
  BlockedProduct<T>(kernels, shape, b).run(a, a_row, a_column, bias, c, c_stride, accumulate);
}

}  // namespace multicapa
