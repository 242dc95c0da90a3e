// Products of float32 matrices in the tiles of AMX, which multiply bfloat16: each number is cut into three of them,
//   a = a₁ + a₂ + a₃,  of 8 significant bits each, and  a·b ≈ a₁b₃ + a₁b₂ + a₂b₂ + a₂b₁ + a₃b₁ + a₁b₁,
// added up in float32. What is left out is at most 2⁻²² |a·b|, mostly far less, and of either sign. Six products, of
// which each is sixteen times as fast as the FMA's.
//
// Operands are packed into tiles of 16 rows of A, or columns of B, by 32 steps of the depth: three of 1 KB, one for
// each part. A tile's 32-bit element holds the depths p and p + 16, in both operands, so that no lane need move.

// GCC's own header looks uninitialised to GCC where a masked intrinsic has nothing to merge with.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpragmas"
#pragma GCC diagnostic ignored "-Wunknown-warning-option"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>
#pragma GCC diagnostic pop

#include "base/prefetch.hpp"
#include "kernels/table.hpp"

namespace multicapa {
namespace {

constexpr Size side = 16, tile_depth = 32, parts = 3;
constexpr Size tile_size = 256, triple = parts * tile_size;  // in floats
// Two rows of tiles lie together, tile by tile in the order in which they are read, so that the processor foresees it.
constexpr Size part_distance = 2 * tile_size, step_distance = 2 * triple;

inline Size divide_up(Size a, Size b) { return (a + b - 1) / b; }
inline Size least(Size a, Size b) { return a < b ? a : b; }

// Of rows of A or columns of B, or of depths.
struct Range {
  Size first, count;
};

// Where the tiles of an operand begin, and how far it is from one pair of rows of them to the next.
template <class Float> struct TileRows {
  Float* first;
  Size distance;
  Float* at(Size row) const { return first + row / 2 * distance + row % 2 * tile_size; }
};

// clang-format off
#include "kernels/registers/unrolled.inl"
#include "kernels/products/amx_packing.inl"
// clang-format on

// The compiler must not keep what a tile reads in registers, nor think that it knows what a tile has written.
template <int tile> inline void load_tile(const void* from, Size bytes_between_rows) {
  asm volatile("tileloadd (%0,%1,1), %%tmm%c2" ::"r"(from), "r"(bytes_between_rows), "i"(tile) : "memory");
}
template <int tile> inline void store_tile(void* to, Size bytes_between_rows) {
  asm volatile("tilestored %%tmm%c2, (%0,%1,1)" ::"r"(to), "r"(bytes_between_rows), "i"(tile) : "memory");
}
template <int tile> inline void zero_tile() { asm volatile("tilezero %%tmm%c0" ::"i"(tile)); }
template <int sum, int a, int b> inline void multiply_tiles() {
  asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(sum), "i"(a), "i"(b));
}

struct alignas(64) TileShapes {
  std::uint8_t palette = 1, start_row = 0, reserved[14] = {};
  std::uint16_t bytes_of_row[16] = {};
  std::uint8_t rows[16] = {};
};

// All eight tiles whole, until the end of the scope. Other libraries configure tiles of their own, in calls of theirs.
class Tiles {
 public:
  Tiles() {
    TileShapes shapes;
    for (int i = 0; i < 8; ++i) shapes.bytes_of_row[i] = 64, shapes.rows[i] = side;
    asm volatile("ldtilecfg %0" ::"m"(shapes));
  }
  ~Tiles() { asm volatile("tilerelease"); }
};

// A block of A is packed and stays in L2 while strips of B are, of which each shares L1 with two rows of A's tiles.
constexpr Size most_row_tiles = 16, most_left = 256;  // of a block: rows, and triples in all
constexpr Size strip_tiles = 4, strip_steps = 2;      // of a strip
constexpr Size right_place = most_left * triple;
constexpr Size sums_place = right_place + strip_tiles * strip_steps * triple;
constexpr Size room = sums_place + most_row_tiles * strip_tiles * tile_size;

// The lines of memory that hold the next part of an operand, fetched a few at a time while tiles are multiplied.
class Fetch {
 public:
  Fetch() = default;
  Fetch(const Operand<float>& x, Range outer, Range depth)
      : first_(origin(x, outer.first, depth.first)),
        stride_(x.stride),
        rows_(x.lies == DepthLies::along_rows ? outer.count : depth.count),
        length_(x.lies == DepthLies::along_rows ? depth.count : outer.count) {}

  // One of `shares` parts.
  void take(Size share, Size shares) const {
    for (Size r = rows_ * share / shares; r < rows_ * (share + 1) / shares; ++r)
      for (Size c = 0; c < length_; c += side) prefetch_to_l2(first_ + r * stride_ + c);
  }

 private:
  const float* first_ = nullptr;
  Size stride_ = 0, rows_ = 0, length_ = 0;
};

// The part of a product that is done with operands in the caches: some depths of all rows and a few tiles' columns.
struct Product {
  Size rows, columns, steps;
  TileRows<const float> left, right;
  GemmBias<float> bias;
  float* c;
  Size c_stride;
  bool accumulate;
  float* sums;  // a tile each, between some depths and the next
  bool first, last;
  Fetch fetch;

  float* sum(Size row, Size column) const { return sums + (row / side * strip_tiles + column / side) * tile_size; }
  bool whole(Size row, Size column) const { return row + side <= rows && column + side <= columns; }
};

constexpr Size row_bytes = side * sizeof(float);

template <int tile> inline void begin(const Product& o, Size row, Size column) {
  if (!o.first) return load_tile<tile>(o.sum(row, column), row_bytes);
  if (!o.whole(row, column) || (!o.accumulate && !o.bias.per_column && !o.bias.per_row)) return zero_tile<tile>();
  if (o.accumulate)
    return load_tile<tile>(o.c + row * o.c_stride + column, o.c_stride * static_cast<Size>(sizeof(float)));
  if (o.bias.per_column) return load_tile<tile>(o.bias.per_column + column, 0);
  alignas(64) float spread[tile_size];
  for (Size r = 0; r < side; ++r) _mm512_store_ps(spread + r * side, _mm512_set1_ps(o.bias.per_row[row + r]));
  load_tile<tile>(spread, row_bytes);
}

template <int tile> inline void finish(const Product& o, Size row, Size column) {
  if (!o.last) return store_tile<tile>(o.sum(row, column), row_bytes);
  float* c = o.c + row * o.c_stride + column;
  if (o.whole(row, column)) return store_tile<tile>(c, o.c_stride * static_cast<Size>(sizeof(float)));
  alignas(64) float sum[tile_size];
  store_tile<tile>(sum, row_bytes);
  const Size rows = o.rows - row < side ? o.rows - row : side;
  const __mmask16 lanes = first_lanes(o.columns - column);
  __m512 start = _mm512_setzero_ps();
  if (!o.accumulate && o.bias.per_column) start = _mm512_maskz_loadu_ps(lanes, o.bias.per_column + column);
  for (Size r = 0; r < rows; ++r, c += o.c_stride) {
    if (o.accumulate) start = _mm512_maskz_loadu_ps(lanes, c);
    else if (o.bias.per_row) start = _mm512_set1_ps(o.bias.per_row[row + r]);
    _mm512_mask_storeu_ps(c, lanes, _mm512_add_ps(_mm512_load_ps(sum + r * side), start));
  }
}

// The pairs of parts in an order in which one of the two stays for the next.
constexpr int left_order[] = {0, 0, 1, 1, 2, 0}, right_order[] = {0, 1, 1, 2, 2, 2};

template <int Rows, int Columns, class Body> [[gnu::always_inline]] inline void for_tiles(Body&& body) {
  unrolled<Rows>([&](auto r) { unrolled<Columns>([&](auto c) { body(r, c); }); });
}

// Tiles 0 to 3 hold sums. Two rows and two columns of tiles meet in the rest, or one row, in tile 4, many columns.
template <int Rows, int Columns, int l, int r, bool new_left, bool new_right>
[[gnu::always_inline]] inline void multiply_parts(const float* const* left, const float* const* right, Size at) {
  const auto load_left = [&](auto place, auto i) { load_tile<place>(left[i] + at + l * part_distance, row_bytes); };
  const auto load_right = [&](auto place, auto j) { load_tile<place>(right[j] + at + r * part_distance, row_bytes); };
  if constexpr (Rows <= 2 && Columns <= 2) {
    if constexpr (new_left) unrolled<Rows>([&](auto i) { load_left(Constant<4 + i>{}, i); });
    if constexpr (new_right) unrolled<Columns>([&](auto j) { load_right(Constant<6 + j>{}, j); });
    for_tiles<Rows, Columns>([](auto i, auto j) { multiply_tiles<i * Columns + j, 4 + i, 6 + j>(); });
  } else if constexpr (Rows == 1) {
    if constexpr (new_left) load_left(Constant<4>{}, Constant<0>{});
    unrolled<Columns>([&](auto j) {
      load_right(Constant<5 + j % 3>{}, j);
      multiply_tiles<j, 4, 5 + j % 3>();
    });
  } else {
    if constexpr (new_right) load_right(Constant<4>{}, Constant<0>{});
    unrolled<Rows>([&](auto i) {
      load_left(Constant<5 + i % 3>{}, i);
      multiply_tiles<i, 5 + i % 3, 4>();
    });
  }
}

// A block of Rows × Columns tiles of C, at most four.
template <int Rows, int Columns> void multiply_block(const Product& o, Size row_tile, Size column_tile) {
  const auto row = [&](int i) { return (row_tile + i) * side; };
  const auto column = [&](int j) { return (column_tile + j) * side; };
  const float *left[Rows], *right[Columns];
  unrolled<Rows>([&](auto i) { left[i] = o.left.at(row_tile + i); });
  unrolled<Columns>([&](auto j) { right[j] = o.right.at(column_tile + j); });
  for_tiles<Rows, Columns>([&](auto i, auto j) { begin<i * Columns + j>(o, row(i), column(j)); });
  for (Size at = 0; at < o.steps * step_distance; at += step_distance)
    unrolled<6>([&](auto n) {
      constexpr int l = left_order[n], r = right_order[n], before = n == 0 ? 5 : n - 1;
      multiply_parts<Rows, Columns, l, r, n == 0 || l != left_order[before], n == 0 || r != right_order[before]>(
          left, right, at);
    });
  for_tiles<Rows, Columns>([&](auto i, auto j) { finish<i * Columns + j>(o, row(i), column(j)); });
}

// A row of C's tiles, or with `of_rows` false a column of them.
template <bool of_rows> void multiply_line(const Product& o, Size line, Size tiles) {
  const auto block = [&](auto count, Size first) {
    if constexpr (of_rows) multiply_block<1, count>(o, line, first);
    else multiply_block<count, 1>(o, first, line);
  };
  Size t = 0;
  for (; t + 4 <= tiles; t += 4) block(Constant<4>{}, t);
  if (tiles - t == 3) block(Constant<3>{}, t);
  if (tiles - t == 2) block(Constant<2>{}, t);
  if (tiles - t == 1) block(Constant<1>{}, t);
}

void multiply_strip(const Product& o) {
  const Size row_tiles = divide_up(o.rows, side), column_tiles = divide_up(o.columns, side);
  const Size even_rows = row_tiles / 2 * 2, even_columns = column_tiles / 2 * 2;
  for (Size j = 0; j < even_columns; j += 2)
    for (Size i = 0; i < even_rows; i += 2) {
      o.fetch.take(j / 2 * (even_rows / 2) + i / 2, even_rows / 2 * (even_columns / 2));
      multiply_block<2, 2>(o, i, j);
    }
  if (column_tiles > even_columns) multiply_line<false>(o, even_columns, even_rows);
  if (row_tiles > even_rows) multiply_line<true>(o, even_rows, column_tiles);
}

// As many rows as fit, over as much of the depth as fits.
struct Block {
  Size row, rows, step, steps;
};

class Multiplication {
 public:
  Multiplication(GemmShape shape, const Operand<float>& a, const Operand<float>& b, GemmBias<float> bias, float* c,
                 Size c_stride, bool accumulate, float* memory)
      : shape_(shape),
        a_(a),
        b_(b),
        bias_(bias),
        c_(c),
        c_stride_(c_stride),
        accumulate_(accumulate),
        left_(memory),
        right_(memory + right_place),
        sums_(memory + sums_place),
        steps_(divide_up(shape.depth, tile_depth)) {}

  void run() const {
    const Size row_tiles = least(divide_up(shape_.rows, side), most_row_tiles);
    const Size most_steps = most_left / row_tiles, blocks = divide_up(steps_, most_steps);
    for (Size row = 0; row < shape_.rows; row += most_row_tiles * side)
      for (Size n = 0; n < blocks; ++n) {
        const Size step = steps_ * n / blocks;
        multiply_block_of_rows(
            {row, least(shape_.rows - row, most_row_tiles * side), step, steps_ * (n + 1) / blocks - step});
      }
  }

 private:
  Size depth_of(Size step, Size steps) const { return least(shape_.depth - step * tile_depth, steps * tile_depth); }

  TileRows<const float> pack(const Operand<float>& x, bool left, Range outer, Size step, Size steps,
                             float* packed) const {
    pack_range(x, left, outer, {step * tile_depth, depth_of(step, steps)}, {packed, steps * step_distance});
    return {packed, steps * step_distance};
  }

  void multiply_block_of_rows(const Block& block) const {
    const TileRows<const float> left = pack(a_, true, {block.row, block.rows}, block.step, block.steps, left_);
    const Size parts_of_depth = divide_up(block.steps, strip_steps);
    for (Size column = 0; column < shape_.columns; column += strip_tiles * side) {
      const Size columns = least(shape_.columns - column, strip_tiles * side);
      for (Size n = 0; n < parts_of_depth; ++n) {
        const Size from = block.steps * n / parts_of_depth, steps = block.steps * (n + 1) / parts_of_depth - from;
        const Size step = block.step + from;
        const TileRows<const float> right = pack(b_, false, {column, columns}, step, steps, right_);
        multiply_strip({.rows = block.rows,
                        .columns = columns,
                        .steps = steps,
                        .left = {left.first + from * step_distance, left.distance},
                        .right = right,
                        .bias = bias_at(block, column),
                        .c = c_ + block.row * c_stride_ + column,
                        .c_stride = c_stride_,
                        .accumulate = accumulate_ || block.step > 0,
                        .sums = sums_,
                        .first = n == 0,
                        .last = n == parts_of_depth - 1,
                        .fetch = next(block, column, columns, step + steps)});
      }
    }
  }

  GemmBias<float> bias_at(const Block& block, Size column) const {
    if (block.step > 0) return {};
    return {bias_.per_column ? bias_.per_column + column : nullptr,
            bias_.per_row ? bias_.per_row + block.row : nullptr};
  }

  // What of B comes after some columns up to a step.
  Fetch next(const Block& block, Size column, Size columns, Size step) const {
    if (step >= block.step + block.steps) step = block.step, column += columns;
    if (column >= shape_.columns) return {};
    return {b_, {column, least(shape_.columns - column, columns)}, {step * tile_depth, depth_of(step, strip_steps)}};
  }

  const GemmShape shape_;
  const Operand<float>&a_, &b_;
  const GemmBias<float> bias_;
  float* const c_;
  const Size c_stride_;
  const bool accumulate_;
  float *const left_, *const right_, *const sums_;
  const Size steps_;
};

void multiply(GemmShape shape, const Operand<float>& a, const Operand<float>& b, GemmBias<float> bias, float* c,
              Size c_stride, bool accumulate, float* memory) {
  const Tiles tiles;
  Multiplication(shape, a, b, bias, c, c_stride, accumulate, memory).run();
}

}  // namespace

extern const TileProduct<float> amx_product;
const TileProduct<float> amx_product = {room, multiply};

}  // namespace multicapa
