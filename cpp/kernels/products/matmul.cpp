#include "kernels/products/matmul.hpp"

#include <cblas.h>

#include <new>
#include <type_traits>

#include "base/memory.hpp"
#include "kernels/products/blocks.hpp"

// The packaged OpenBLAS puts a prefix before its names, so that it can live beside another copy in one process.
#if defined(MULTICAPA_PACKAGED_OPENBLAS)
#define MULTICAPA_BLAS(name) scipy_##name
#else
#define MULTICAPA_BLAS(name) name
#endif

namespace multicapa {
namespace {

// All of these are measured (see bench/README.md).
constexpr double large_product = 8e6;     // multiplications from which the packing of BLAS repays itself
constexpr Size large_matrix = 32 * 1024;  // numbers of w that are not copied over at every update
constexpr Size few_units = 4;             // for which sums along the lanes are cheaper than a transposition
constexpr Size few_rows = 128;            // for which the small matrices are transposed instead
constexpr Size few_rows_before_blas = 64;
constexpr Size near_bytes = 3 << 19;      // of a B that stays in the caches as it lies
constexpr Size aliasing_stride = 4096;    // in bytes: rows that fall into the same sets of the caches ...
constexpr Size aliasing_bytes = 1 << 18;  // ... and of a B that suffers from it
constexpr Size rows_worth_a_copy = 8;

enum class Way { as_it_lies, in_blocks, blas };

// How to multiply by a matrix b of shape.depth rows.
template <class T> Way way_to_multiply(const KernelTable<T>& k, GemmShape shape, Size b_stride) {
  const Size unit = sizeof(T), bytes = shape.depth * shape.columns * unit;
  if (!k.block_columns) {
    if (shape.depth > most_units) return Way::as_it_lies;  // rows of a batch: BLAS counts in 32 bits
    const double work = static_cast<double>(shape.rows) * static_cast<double>(shape.depth * shape.columns);
    return work < large_product ? Way::as_it_lies : Way::blas;
  }
  const bool far = bytes > near_bytes || (bytes > aliasing_bytes && b_stride * unit % aliasing_stride == 0);
  return far && shape.rows >= rows_worth_a_copy ? Way::in_blocks : Way::as_it_lies;
}

// Whether the tiles are ahead, their packing included. Times are in cycles of one core.
template <class T> bool tiles_pay(const KernelTable<T>& k, GemmShape s, const Operand<T>& a, const Operand<T>& b) {
  constexpr Size least_work = 1 << 18;  // multiplications; below, even the question would take too long
  if (!k.tiles || s.rows * s.columns * s.depth < least_work) return false;
  constexpr double of_call = 300, of_tiles = 150, of_packing = 0.5, of_turning = 0.3, of_registers = 0.6;
  const auto up = [](Size n, Size unit) { return static_cast<double>((n + unit - 1) / unit); };
  const auto packing = [&](Size outer, bool turned) {
    return static_cast<double>(outer * s.depth) * (of_packing + (turned ? of_turning : 0));
  };
  const double tiles = of_call + of_tiles * up(s.rows, 16) * up(s.columns, 16) * up(s.depth, 32) +
                       packing(s.rows, a.lies == DepthLies::across_rows) +
                       packing(s.columns, b.lies == DepthLies::along_rows);
  return tiles < of_registers * static_cast<double>(s.rows * s.depth) * up(s.columns, 16);
}

// The calling thread's memory for its tiles; null where there is none to be had, as products can do without.
template <class T> T* tile_memory(Size room) {
  thread_local Buffer<T> memory;
  try {
    if (!memory.data()) memory = Buffer<T>(room);
  } catch (const std::bad_alloc&) {
  }
  return memory.data();
}

// C = A·B in tiles, where that is the faster way.
template <class T>
bool multiply_in_tiles(const KernelTable<T>& k, GemmShape shape, const Operand<T>& a, const Operand<T>& b,
                       GemmBias<T> bias, T* c, Size c_stride, bool accumulate) {
  T* const memory = tiles_pay(k, shape, a, b) ? tile_memory<T>(k.tiles->room) : nullptr;
  if (!memory) return false;
  k.tiles->multiply(shape, a, b, bias, c, c_stride, accumulate, memory);
  return true;
}

template <class T> Operand<T> along(Matrix<const T> x) { return {x.data, x.stride, DepthLies::along_rows}; }
template <class T> Operand<T> across(Matrix<const T> x) { return {x.data, x.stride, DepthLies::across_rows}; }

template <class T>
void blas(CBLAS_TRANSPOSE trans_a, CBLAS_TRANSPOSE trans_b, GemmShape s, const T* a, Size lda, const T* b, Size ldb,
          T beta, T* c, Size ldc) {
  const auto i = [](Size n) { return static_cast<blasint>(n); };
  if constexpr (std::is_same_v<T, float>)
    MULTICAPA_BLAS(cblas_sgemm)(CblasRowMajor, trans_a, trans_b, i(s.rows), i(s.columns), i(s.depth), 1, a, i(lda), b,
                                i(ldb), beta, c, i(ldc));
  else
    MULTICAPA_BLAS(cblas_dgemm)(CblasRowMajor, trans_a, trans_b, i(s.rows), i(s.columns), i(s.depth), 1, a, i(lda), b,
                                i(ldb), beta, c, i(ldc));
}

}  // namespace

template <class T>
void multiply_forward(const KernelTable<T>& k, Matrix<const T> x, Matrix<const T> w, const T* bias, Matrix<T> c) {
  const GemmShape shape{x.rows, w.columns, w.rows};
  if (w.columns == 1 && w.stride == 1) return k.matrix_vector(x, w.data, bias ? *bias : T(0), c.data, c.stride);
  if (x.rows == 1) return k.vector_matrix(x.data, w, bias, c.data);
  if (multiply_in_tiles<T>(k, shape, along(x), across(w), {bias, nullptr}, c.data, c.stride, false)) return;
  const Way way = way_to_multiply(k, shape, w.stride);
  if (way == Way::as_it_lies)
    return k.gemm(shape, x.data, x.stride, 1, w.data, w.stride, {bias, nullptr}, c.data, c.stride, false);
  if (way == Way::in_blocks)
    return multiply_in_blocks<T>(k, shape, x.data, x.stride, 1, {w.data, w.stride, false}, {bias, nullptr}, c.data,
                                 c.stride, false);
  for (Size r = 0; bias && r < c.rows; ++r)
    k.copy({bias, 1, c.columns, c.columns}, {c.data + r * c.stride, 1, c.columns, c.columns});
  blas<T>(CblasNoTrans, CblasNoTrans, shape, x.data, x.stride, w.data, w.stride, bias ? T(1) : T(0), c.data, c.stride);
}

bool plans_transpose(Size in, Size out) { return in * out < large_matrix && out > 1; }

Size backward_scratch(Size in, Size out) { return plans_transpose(in, out) || out == 1 ? 0 : few_rows * (in + out); }

namespace {

// dxᵗ = w·dyᵗ: reads a large w once and as it lies, at the price of transposing dy and dx, which are small.
template <class T>
void multiply_transposed(const KernelTable<T>& k, Matrix<const T> dy, Matrix<const T> w, T* scratch, Matrix<T> dx) {
  T *dy_transposed = scratch, *dx_transposed = scratch + w.columns * dy.rows;
  const GemmShape shape{w.rows, dy.rows, w.columns};
  if (!multiply_in_tiles<T>(k, shape, along(w), along(dy), {}, dx_transposed, dy.rows, false)) {
    k.transpose(dy, dy_transposed, dy.rows);
    k.gemm(shape, w.data, w.stride, 1, dy_transposed, dy.rows, {}, dx_transposed, dy.rows, false);
  }
  k.transpose({dx_transposed, w.rows, dy.rows, dy.rows}, dx.data, dx.stride);
}

}  // namespace

template <class T>
void multiply_backward(const KernelTable<T>& k, Matrix<const T> dy, Matrix<const T> w, const T* transposed, T* scratch,
                       Matrix<T> dx) {
  const GemmShape shape{dy.rows, w.rows, w.columns};
  if (dy.rows == 1 && w.columns > 1) return k.row_products(w, dy, dx.data, false);
  if (dy.rows == 1) return k.outer_product(dy.data, 1, w.data, w.rows, dx.data, false);
  if (w.columns == 1)  // a column is its own transpose
    return k.gemm(shape, dy.data, dy.stride, 1, w.data, w.rows, {}, dx.data, dx.stride, false);
  if (transposed || dy.rows > few_rows)
    if (multiply_in_tiles<T>(k, shape, along(dy), along(w), {}, dx.data, dx.stride, false)) return;
  if (transposed) return k.gemm(shape, dy.data, dy.stride, 1, transposed, w.rows, {}, dx.data, dx.stride, false);
  if (dy.rows <= (k.block_columns ? few_rows : few_rows_before_blas)) return multiply_transposed(k, dy, w, scratch, dx);
  if (k.block_columns)
    return multiply_in_blocks<T>(k, shape, dy.data, dy.stride, 1, {w.data, w.stride, true}, {}, dx.data, dx.stride,
                                 false);
  blas<T>(CblasNoTrans, CblasTrans, shape, dy.data, dy.stride, w.data, w.stride, T(0), dx.data, dx.stride);
}

template <class T>
void multiply_gradient(const KernelTable<T>& k, Matrix<const T> x, Matrix<const T> dy, T* dw, bool accumulate) {
  const GemmShape shape{x.columns, dy.columns, x.rows};
  if (x.rows == 1 && dy.columns == 1) return k.outer_product(dy.data, 1, x.data, x.columns, dw, accumulate);
  if (x.rows == 1) return k.outer_product(x.data, x.columns, dy.data, dy.columns, dw, accumulate);
  if (dy.columns == 1)  // dwᵗ = dyᵗ·x, which fills the registers
    return k.gemm({1, x.columns, x.rows}, dy.data, 1, dy.stride, x.data, x.stride, {}, dw, x.columns, accumulate);
  if (multiply_in_tiles<T>(k, shape, across(x), across(dy), {}, dw, dy.columns, accumulate)) return;
  const Way way = way_to_multiply(k, shape, dy.stride);
  if (way == Way::as_it_lies)
    return k.gemm(shape, x.data, 1, x.stride, dy.data, dy.stride, {}, dw, dy.columns, accumulate);
  if (way == Way::in_blocks)
    return multiply_in_blocks<T>(k, shape, x.data, 1, x.stride, {dy.data, dy.stride, false}, {}, dw, dy.columns,
                                 accumulate);
  blas<T>(CblasTrans, CblasNoTrans, shape, x.data, x.stride, dy.data, dy.stride, accumulate ? T(1) : T(0), dw,
          dy.columns);
}

template <class T>
void multiply_forward_columns(const KernelTable<T>& k, Matrix<const T> x, Matrix<const T> w, const T* bias,
                              Matrix<T> c) {
  const GemmShape shape{w.columns, c.columns, w.rows};
  if (multiply_in_tiles<T>(k, shape, across(w), across(x), {nullptr, bias}, c.data, c.stride, false)) return;
  k.gemm(shape, w.data, 1, w.stride, x.data, x.stride, {nullptr, bias}, c.data, c.stride, false);
}

template <class T>
void multiply_backward_columns(const KernelTable<T>& k, Matrix<const T> dy, Matrix<const T> w, Matrix<T> dx) {
  const GemmShape shape{w.rows, dx.columns, w.columns};
  if (multiply_in_tiles<T>(k, shape, along(w), across(dy), {}, dx.data, dx.stride, false)) return;
  k.gemm(shape, w.data, w.stride, 1, dy.data, dy.stride, {}, dx.data, dx.stride, false);
}

namespace {

// dwᵗ = dy·xᵗ, a sum over lanes, and its transpose: cheaper than the transpose of dy.
template <class T>
void multiply_few_inputs(const KernelTable<T>& k, Matrix<const T> x, Matrix<const T> dy, T* scratch, T* dw,
                         bool accumulate) {
  const Size inputs = x.rows, units = dy.rows;
  k.row_products(dy, x, scratch, false);
  T* const product = accumulate ? scratch + units * inputs : dw;
  k.transpose({scratch, units, inputs, inputs}, product, units);
  if (accumulate) k.add({product, 1, inputs * units, inputs * units}, {dw, 1, inputs * units, inputs * units});
}

}  // namespace

template <class T>
void multiply_gradient_columns(const KernelTable<T>& k, Matrix<const T> x, Matrix<const T> dy, T* scratch, T* dw, T* db,
                               bool accumulate) {
  if (dy.rows <= few_units && dy.rows <= k.vector_width) {
    k.row_products(x, dy, dw, accumulate);
    if (db) k.row_sums(dy, db, accumulate);
    return;
  }
  if (x.rows <= few_units && x.rows <= k.vector_width) {
    multiply_few_inputs(k, x, dy, scratch, dw, accumulate);
    if (db) k.row_sums(dy, db, accumulate);
    return;
  }
  const Size units = dy.rows;
  if (multiply_in_tiles<T>(k, {x.rows, units, x.columns}, along(x), along(dy), {}, dw, units, accumulate)) {
    if (db) k.row_sums(dy, db, accumulate);
    return;
  }
  k.transpose(dy, scratch, units);
  k.gemm({x.rows, units, x.columns}, x.data, x.stride, 1, scratch, units, {}, dw, units, accumulate);
  if (db) k.column_sum({scratch, x.columns, units, units}, db, accumulate);
}

void hold_blas_at_one_thread() {
#if defined(MULTICAPA_PACKAGED_OPENBLAS)
  if (scipy_openblas_get_num_threads() != 1) scipy_openblas_set_num_threads(1);
#endif
}

std::string blas_description() {
#if defined(MULTICAPA_PACKAGED_OPENBLAS)
  return std::string(scipy_openblas_get_config()) + ", core " + scipy_openblas_get_corename();
#else
  return "the system's";
#endif
}

#define MULTICAPA_INSTANTIATE(T)                                                                                   \
  template void multiply_forward<T>(const KernelTable<T>&, Matrix<const T>, Matrix<const T>, const T*, Matrix<T>); \
  template void multiply_backward<T>(const KernelTable<T>&, Matrix<const T>, Matrix<const T>, const T*, T*,        \
                                     Matrix<T>);                                                                   \
  template void multiply_gradient<T>(const KernelTable<T>&, Matrix<const T>, Matrix<const T>, T*, bool);           \
  template void multiply_forward_columns<T>(const KernelTable<T>&, Matrix<const T>, Matrix<const T>, const T*,     \
                                            Matrix<T>);                                                            \
  template void multiply_backward_columns<T>(const KernelTable<T>&, Matrix<const T>, Matrix<const T>, Matrix<T>);  \
  template void multiply_gradient_columns<T>(const KernelTable<T>&, Matrix<const T>, Matrix<const T>, T*, T*, T*, bool);
MULTICAPA_INSTANTIATE(float)
MULTICAPA_INSTANTIATE(double)

}  // namespace multicapa
