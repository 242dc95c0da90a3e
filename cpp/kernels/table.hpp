// What the kernels offer to the floors above: one table of plain functions per number type and instruction set.
// A kernel works on the memory it is handed; it allocates nothing, starts no threads and throws nothing.
//
// The files that define kernels are compiled once per instruction set. Nothing here may have a body: a function
// body in a shared header could be linked from the AVX-512 copy into the path of an older processor.
#pragma once

#include "base/types.hpp"

namespace multicapa {

template <class T> struct ActivationKernel {
  const char* name;
  const char* formula;
  const char* parameter;  // what its one parameter is called, or null when it has none
  double default_parameter;
  bool by_element;   // each number for itself, in any arrangement
  bool from_output;  // backward wants the output a = g(z) rather than the input z
  void (*forward)(Matrix<const T> z, Matrix<T> a, T parameter);
  // dz = dy ∘ g′; `seen` is a or z as from_output says; dz may be dy.
  void (*backward)(Matrix<const T> seen, Matrix<const T> dy, Matrix<T> dz, T parameter);
};

// Everything one call of a loss kernel reads and writes. cost[r] is the unweighted cost of sample r;
// dy = weight[r] · scale · dCost/dy, and is skipped when dy.data is null. The matrices hold samples as rows, or as
// columns for the kernels that say so.
template <class T> struct LossCall {
  Matrix<const T> y;  // outputs; for a fused kernel the logits
  Matrix<const T> target;
  const T* weight;  // one per sample, or null for ones
  T scale;
  T parameter;
  Matrix<T> dy;
  T* cost;
};

template <class T> struct LossKernel {
  const char* name;
  const char* formula;
  const char* parameter;
  double default_parameter;
  const char* fused_activation;  // the output activation with which `fused` works on logits, or null
  void (*plain)(const LossCall<T>&);
  void (*fused)(const LossCall<T>&);
  void (*plain_columns)(const LossCall<T>&);
  void (*fused_columns)(const LossCall<T>&);
};

constexpr int max_slots = 3;  // vectors an optimiser may keep, each as long as the parameters
constexpr int max_hyperparameters = 8;

// What stays the same over one update: numbers derived from the hyper-parameters, the rate and the step.
template <class T> struct UpdateScalars {
  T value[max_hyperparameters];
};

template <class T> struct OptimizerKernel {
  const char* name;
  const char* formula;
  int slots;
  const char* hyperparameters;  // space-separated, without the learning rate
  // Fills the scalars for update number `step` (from 1). `carried` lives as long as the optimiser's slots.
  void (*prepare)(const double* hyperparameters, double rate, Size step, double* carried, UpdateScalars<T>& scalars);
  // `shared`: other threads have read the weights since.
  void (*update)(T* weight, const T* gradient, T* const* slots, Size count, const UpdateScalars<T>& scalars,
                 bool shared);
  // The same by the gradient left ⊗ right, of which nothing is written down.
  void (*update_by_product)(T* weight, const T* left, Size rows, const T* right, Size columns, T* const* slots,
                            const UpdateScalars<T>& scalars);
};

// What a row of X or of the targets is made of before it is gathered.
enum class Scalar { float32, float64 };

struct GemmShape {
  Size rows, columns, depth;
};

// What a product starts from instead of zero: a row added to every row of C, a column added to every column, or none.
template <class T> struct GemmBias {
  const T* per_column = nullptr;
  const T* per_row = nullptr;
};

// A matrix that takes part in a product as A or B. Its rows run along the depth of the product, or each is one depth.
enum class DepthLies { along_rows, across_rows };
template <class T> struct Operand {
  const T* data;
  Size stride;
  DepthLies lies;
};

// Products by a unit that multiplies whole tiles, for operands of any size and lie.
template <class T> struct TileProduct {
  Size room;  // numbers of memory that multiply works in
  // As KernelTable::gemm.
  void (*multiply)(GemmShape, const Operand<T>& a, const Operand<T>& b, GemmBias<T> bias, T* c, Size c_stride,
                   bool accumulate, T* memory);
};

template <class T> struct ChainPlan;  // see chain.hpp
template <class T> struct ChainBatch;
template <class T> struct MapKernels;        // see maps.hpp
template <class T> struct RecurrentKernels;  // see recurrent.hpp
template <class T> struct AttentionKernels;  // see attention.hpp

template <class T> struct KernelTable {
  const char* isa;
  Size vector_width;            // numbers of type T in a register
  Size block_columns;           // of the blocks into which a large B is copied, or 0 where BLAS multiplies these better
  const TileProduct<T>* tiles;  // null where the processor has none for this type
  const MapKernels<T>* maps;    // convolutions and poolings
  const RecurrentKernels<T>* recurrent;
  const AttentionKernels<T>* attention;

  const ActivationKernel<T>* activations;
  int activation_count;
  const LossKernel<T>* losses;
  int loss_count;
  const OptimizerKernel<T>* optimizers;
  int optimizer_count;

  // C = A·B + bias, plus C itself when `accumulate`. Element (i, k) of A is a[i · a_row + k · a_column], so A may be
  // a transposed matrix; B and C are row-major.
  void (*gemm)(GemmShape, const T* a, Size a_row, Size a_column, const T* b, Size b_stride, GemmBias<T> bias, T* c,
               Size c_stride, bool accumulate);
  // y[r] = x_r · w + bias, for one output.
  void (*matrix_vector)(Matrix<const T> x, const T* w, T bias, T* y, Size y_stride);
  // y = x·W + bias (or without one) and dw = x ⊗ dy, plus what it was when `accumulate`, for one sample.
  void (*vector_matrix)(const T* x, Matrix<const T> w, const T* bias, T* y);
  void (*outer_product)(const T* x, Size count, const T* dy, Size units, T* dw, bool accumulate);
  void (*column_sum)(Matrix<const T> x, T* sum, bool accumulate);
  void (*transpose)(Matrix<const T> x, T* y, Size y_stride);
  // c[i · y.rows + j] = x_i · y_j over their rows, plus what it was when `accumulate`; y has at most four rows, and no
  // more than a register has lanes.
  void (*row_products)(Matrix<const T> x, Matrix<const T> y, T* c, bool accumulate);
  // sum[i] = Σ x_i, plus what it was when `accumulate`.
  void (*row_sums)(Matrix<const T> x, T* sum, bool accumulate);

  // One turn of a small network: forward, loss and backward of a batch. Returns the sum of the weighted costs.
  double (*train_chain)(ChainPlan<T>&, const ChainBatch<T>&, T scale);

  void (*copy)(Matrix<const T> x, Matrix<T> y);
  void (*add)(Matrix<const T> x, Matrix<T> y);                          // y += x
  void (*multiply)(Matrix<const T> x, Matrix<const T> m, Matrix<T> y);  // y = x ∘ m, y may be x
  void (*scale)(T* x, Size count, T factor);
  void (*add_scaled)(const T* x, T factor, const T* base, T* y, Size count);  // y = base + factor · x
  // gradient += l2 · w + l1/2 · sign(w); returns (l2/2) Σ w² + (l1/2) Σ |w|.
  double (*penalty)(const T* weight, T* gradient, Size count, T l2, T l1);
  double (*sum_of_squares)(const T* x, Size count);
  void (*clip)(T* x, Size count, T low, T high);
  void (*sum_chunks)(const T* chunks, Size chunk_count, Size chunk_stride, T* sum, Size count);

  // See norms.inl and pieces.inl.
  void (*column_moments)(Matrix<const T> x, T* mean, T* deviation);
  void (*column_products)(Matrix<const T> dy, Matrix<const T> x, const T* mean, T* sum, T* product);
  void (*normalize_columns)(Matrix<const T> x, const T* mean, const T* factor, const T* shift, Matrix<T> y);
  void (*blend_columns)(Matrix<const T> dy, Matrix<const T> x, const T* mean, const T* of_dy, const T* of_x,
                        const T* constant, Matrix<T> dx);
  void (*normalize_rows)(Matrix<const T> x, const T* gamma, const T* beta, T epsilon, Size ddof, Matrix<T> y,
                         T* moments);
  void (*normalize_rows_backward)(Matrix<const T> dy, Matrix<const T> x, const T* moments, const T* gamma, Size ddof,
                                  Matrix<T> dx, T* dgamma, T* dbeta);
  void (*largest_piece)(Matrix<const T> z, Size pieces, Matrix<T> y);
  void (*largest_piece_backward)(Matrix<T> z, Size pieces, Matrix<const T> dy);

  // rows[index[r]] of the source, converted to T. index null: rows first, first + 1, …
  void (*gather)(const void* source, Scalar scalar, Size source_stride, const Size* index, Size first, Matrix<T> out);
  // The same with samples as columns: out is features × samples, and only the first `samples` columns are written.
  void (*gather_columns)(const void* source, Scalar scalar, Size source_stride, const Size* index, Size first,
                         Size samples, Matrix<T> out);
  // Index of the first number that is not finite as a T, or -1.
  Size (*find_not_finite)(const void* source, Scalar scalar, Size count);

  // mask[e] = 1/(1 − rate) where uniform(seed, stream, first + e) ≥ rate, else 0.
  void (*dropout_mask)(std::uint64_t seed, std::uint64_t stream, Size first, T rate, T* mask, Size count);
  // out[e] = uniform number in [0, 1) of (seed, stream, first + e).
  void (*uniform)(std::uint64_t seed, std::uint64_t stream, Size first, T* out, Size count);
  // out[e] = standard normal number of (seed, stream, first + e).
  void (*normal)(std::uint64_t seed, std::uint64_t stream, Size first, T* out, Size count);
};

// What the object file of one instruction set exports.
struct KernelTables {
  KernelTable<float> single_precision;
  KernelTable<double> double_precision;
};

// The table chosen for this process (see dispatch.cpp).
template <class T> const KernelTable<T>& kernels();

}  // namespace multicapa
