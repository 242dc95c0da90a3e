// The three products of a dense layer, by our kernel (kernel/gemm) and through the seam that chooses between it and
// BLAS (blas), over the shapes that DESIGN.md lists.

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include "bench.hpp"
#include "kernels/products/blocks.hpp"
#include "kernels/products/matmul.hpp"

namespace multicapa::bench {
namespace {

// The last is forward with a sample a column: zᵗ = Wᵗ·xᵗ + b, which has no seam.
enum class Form { forward, gradient, input_gradient, transposed_forward };
constexpr Form forms[] = {Form::forward, Form::gradient, Form::input_gradient, Form::transposed_forward};
constexpr const char* form_names[] = {"forward", "gradient", "input_gradient", "transposed_forward"};

struct LayerShape {
  Size batch, in, out;
};
constexpr LayerShape shapes[] = {{1, 32, 32},    {32, 16, 16},    {32, 64, 64},     {128, 64, 64},
                                 {200, 64, 100}, {128, 784, 256}, {512, 1024, 1024}};

// C = A·B + bias, as the kernel wants to hear it.
template <class T> struct Operands {
  GemmShape shape;
  const T* a;
  Size a_row, a_column;
  const T* b;
  Size b_stride;
  GemmBias<T> bias;
};

// A dense layer's matrices, and one of its products.
template <class T> class Product {
 public:
  Product(Form form, LayerShape shape)
      : form_(form),
        shape_(shape),
        in_stride_(padded(shape.in)),
        out_stride_(padded(shape.out)),
        x_(random_buffer<T>(shape.batch * in_stride_, 1)),
        dy_(random_buffer<T>(shape.batch * out_stride_, 2)),
        w_(random_buffer<T>(shape.in * shape.out, 3)),
        transposed_(shape.in * shape.out),
        x_transposed_(shape.in * shape.batch),
        scratch_(backward_scratch(shape.in, shape.out)),
        bias_(random_buffer<T>(shape.out, 4)),
        result_(std::max({shape.batch, shape.in, shape.out}) * std::max({in_stride_, out_stride_, shape.batch})) {
    for (Size i = 0; i < shape.in; ++i)
      for (Size j = 0; j < shape.out; ++j) transposed_.data()[j * shape.in + i] = w_.data()[i * shape.out + j];
    for (Size r = 0; r < shape.batch; ++r)
      for (Size i = 0; i < shape.in; ++i) x_transposed_.data()[i * shape.batch + r] = x_.data()[r * in_stride_ + i];
  }

  double flops() const { return 2.0 * static_cast<double>(shape_.batch * shape_.in * shape_.out); }

  void by_kernel() {
    const Operands<T> o = operands();
    kernels<T>().gemm(o.shape, o.a, o.a_row, o.a_column, o.b, o.b_stride, o.bias, result_.data(), result_stride(),
                      false);
  }

  void by_seam() {
    const auto [batch, in, out] = shape_;
    const KernelTable<T>& table = kernels<T>();
    const Matrix<const T> x{x_.data(), batch, in, in_stride_}, dy{dy_.data(), batch, out, out_stride_};
    const Matrix<const T> w{w_.data(), in, out, out};
    if (form_ == Form::forward)
      multiply_forward<T>(table, x, w, bias_.data(), {result_.data(), batch, out, out_stride_});
    else if (form_ == Form::gradient) multiply_gradient<T>(table, x, dy, result_.data(), false);
    else
      multiply_backward<T>(table, dy, w, plans_transpose(in, out) ? transposed_.data() : nullptr, scratch_.data(),
                           {result_.data(), batch, in, in_stride_});
  }

  // Against sums in double, for as many rows as can be afforded, the first and the last among them.
  void check() const {
    constexpr double affordable = 4e6;
    const Operands<T> o = operands();
    const Size step = std::max<Size>(1, static_cast<Size>(flops() / 2 / affordable));
    for (Size i = 0; i < o.shape.rows; i += step) check_row(o, i);
    check_row(o, o.shape.rows - 1);
  }

 private:
  // As the network does it: rows a multiple of a kilobyte apart would evict each other.
  static Size padded(Size columns) {
    const Size bytes = columns * static_cast<Size>(sizeof(T));
    return bytes % 1024 == 0 ? columns + static_cast<Size>(alignment / sizeof(T)) : columns;
  }

  Operands<T> operands() const {
    const auto [batch, in, out] = shape_;
    switch (form_) {
      case Form::forward:
        return {{batch, out, in}, x_.data(), in_stride_, 1, w_.data(), out, {bias_.data(), nullptr}};
      case Form::gradient:
        return {{in, out, batch}, x_.data(), 1, in_stride_, dy_.data(), out_stride_, {}};
      case Form::input_gradient:
        return {{batch, in, out}, dy_.data(), out_stride_, 1, transposed_.data(), in, {}};
      default:
        return {{out, batch, in}, w_.data(), 1, out, x_transposed_.data(), batch, {nullptr, bias_.data()}};
    }
  }

  Size result_stride() const {
    if (form_ == Form::gradient) return shape_.out;
    if (form_ == Form::transposed_forward) return shape_.batch;
    return form_ == Form::forward ? out_stride_ : in_stride_;
  }

  void check_row(const Operands<T>& o, Size i) const {
    for (Size j = 0; j < o.shape.columns; ++j) {
      const T* bias = o.bias.per_column ? o.bias.per_column + j : o.bias.per_row ? o.bias.per_row + i : nullptr;
      double sum = bias ? static_cast<double>(*bias) : 0, magnitude = std::abs(sum);
      for (Size k = 0; k < o.shape.depth; ++k) {
        const double a = static_cast<double>(o.a[i * o.a_row + k * o.a_column]);
        const double term = a * static_cast<double>(o.b[k * o.b_stride + j]);
        sum += term, magnitude += std::abs(term);
      }
      const double tolerance = 4 * static_cast<double>(std::numeric_limits<T>::epsilon()) * magnitude;
      expect_close("element (" + std::to_string(i) + ", " + std::to_string(j) + ")",
                   static_cast<double>(result_.data()[i * result_stride() + j]), sum, tolerance);
    }
  }

  const Form form_;
  const LayerShape shape_;
  const Size in_stride_, out_stride_;
  Buffer<T> x_, dy_, w_, transposed_, x_transposed_, scratch_, bias_, result_;
};

template <class T> Record measure_product(Form form, LayerShape shape, void (Product<T>::*multiply)(), double seconds) {
  Product<T> product(form, shape);
  (product.*multiply)();
  product.check();
  const Measurement time = measure(seconds, [&] { (product.*multiply)(); });
  return {time, {{"GFLOP/s", 1e-9 * product.flops() / time.seconds}}};
}

template <class T> void add_products(Cases& cases, const std::string& prefix, void (Product<T>::*multiply)()) {
  for (const Form form : forms) {
    if (form == Form::transposed_forward && multiply == &Product<T>::by_seam) continue;
    for (const LayerShape& s : shapes)
      cases.push_back({prefix + "/" + form_names[static_cast<int>(form)] + "/" + std::to_string(s.batch) + "x" +
                           std::to_string(s.in) + "x" + std::to_string(s.out) + "/" + type_name<T>(),
                       [=](double seconds) { return measure_product<T>(form, s, multiply, seconds); }});
  }
}

// Every edge of the tiles and of the blocks: sizes around the registers, the tiles and the depth of a block.
constexpr Size edge_rows[] = {1, 5, 6, 7, 9, 13, 17, 49},
               edge_columns[] = {1, 7, 8, 15, 16, 17, 31, 33, 47, 49, 63, 65, 129};
constexpr Size edge_depths[] = {1, 2, 3, 8, 33, 129};

// One product with integers, whose sums are exact in any order: A by rows or columns, every start, by the kernel or in
// blocks; what lies behind C's columns must stay as it is.
template <class T> void check_edge(GemmShape shape, bool by_columns, int start, bool blocks, bool transposed) {
  const auto [rows, columns, depth] = shape;
  const Size a_row = by_columns ? 1 : depth + 1, a_column = by_columns ? rows + 1 : 1, c_stride = columns + 3;
  const Size b_stride = (transposed ? depth : columns) + 2;
  const auto a = [](Size i, Size k) { return static_cast<T>((3 * i + 5 * k) % 7 - 3); };
  const auto b = [](Size k, Size j) { return static_cast<T>((2 * k + 7 * j) % 11 - 5); };
  Buffer<T> left((rows + 1) * (depth + 1)), right((transposed ? columns : depth) * b_stride), c(rows * c_stride);
  Buffer<T> bias(std::max(rows, columns));
  for (Size i = 0; i < rows; ++i)
    for (Size k = 0; k < depth; ++k) left.data()[i * a_row + k * a_column] = a(i, k);
  for (Size k = 0; k < depth; ++k)
    for (Size j = 0; j < columns; ++j) right.data()[transposed ? j * b_stride + k : k * b_stride + j] = b(k, j);
  for (Size i = 0; i < bias.size(); ++i) bias.data()[i] = static_cast<T>(i % 13);
  for (Size i = 0; i < c.size(); ++i) c.data()[i] = static_cast<T>(i % 5);
  const GemmBias<T> added{start == 1 ? bias.data() : nullptr, start == 2 ? bias.data() : nullptr};
  if (blocks)
    multiply_in_blocks<T>(kernels<T>(), shape, left.data(), a_row, a_column, {right.data(), b_stride, transposed},
                          added, c.data(), c_stride, start == 3);
  else
    kernels<T>().gemm(shape, left.data(), a_row, a_column, right.data(), b_stride, added, c.data(), c_stride,
                      start == 3);
  for (Size i = 0; i < rows; ++i)
    for (Size j = 0; j < c_stride; ++j) {
      const T before = static_cast<T>((i * c_stride + j) % 5);
      T expected = j >= columns || start == 3 ? before : T(0);
      if (j < columns && start == 1) expected = bias.data()[j];
      if (j < columns && start == 2) expected = bias.data()[i];
      for (Size k = 0; j < columns && k < depth; ++k) expected += a(i, k) * b(k, j);
      expect_close(std::to_string(rows) + "x" + std::to_string(columns) + "x" + std::to_string(depth) + " (" +
                       std::to_string(i) + ", " + std::to_string(j) + ")",
                   static_cast<double>(c.data()[i * c_stride + j]), static_cast<double>(expected), 0);
    }
}

template <class T> Record check_edges(double seconds) {
  const bool has_blocks = kernels<T>().block_columns > 0;
  for (const Size rows : edge_rows)
    for (const Size columns : edge_columns)
      for (const Size depth : edge_depths)
        for (int variant = 0; variant < 8; ++variant) {
          const GemmShape shape{rows, columns, depth};
          check_edge<T>(shape, variant % 2, variant / 2, false, false);
          if (has_blocks) check_edge<T>(shape, variant % 2, variant / 2, true, (rows + columns + depth) % 2);
        }
  return measure_product<T>(Form::forward, {17, 33, 65}, &Product<T>::by_kernel, seconds);
}

template <class T> void add_cases(Cases& cases) {
  cases.push_back({std::string("kernel/gemm/edges/") + type_name<T>(), check_edges<T>});
  add_products<T>(cases, "kernel/gemm", &Product<T>::by_kernel);
  add_products<T>(cases, "blas", &Product<T>::by_seam);
}

}  // namespace

void add_gemm_cases(Cases& cases) {
  add_cases<float>(cases);
  add_cases<double>(cases);
}

}  // namespace multicapa::bench
