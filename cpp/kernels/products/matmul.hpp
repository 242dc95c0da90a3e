// The seam between the network and whoever multiplies its matrices: our own kernels while the operands stay in the
// caches, BLAS for the large. The choice depends on the shape alone, so results do not depend on the thread count.
#pragma once

#include <string>

#include "kernels/table.hpp"

namespace multicapa {

// Of inputs or outputs of a weight matrix: BLAS counts in 32 bits, rows with their padding.
constexpr Size most_units = (Size{1} << 31) - 1024;

// c = x·w + bias (bias may be null): x is rows × in, w is in × out.
template <class T>
void multiply_forward(const KernelTable<T>& kernels, Matrix<const T> x, Matrix<const T> w, const T* bias, Matrix<T> c);

// dx = dy·wᵗ, from w (in × out) and, where plans_transpose says it is kept, its transpose (out × in, without gaps),
// which a single row does without; scratch as backward_scratch says.
template <class T>
void multiply_backward(const KernelTable<T>& kernels, Matrix<const T> dy, Matrix<const T> w, const T* transposed,
                       T* scratch, Matrix<T> dx);

// dw = xᵗ·dy, or dw += xᵗ·dy; dw has in rows and no gaps.
template <class T>
void multiply_gradient(const KernelTable<T>& kernels, Matrix<const T> x, Matrix<const T> dy, T* dw, bool accumulate);

// The same three products with samples as columns: x is in × samples, c and dy are units × samples. No copy of w is
// needed. multiply_gradient_columns also gives the gradient of the bias, unless it is null; its scratch holds as many
// numbers as dy.
template <class T>
void multiply_forward_columns(const KernelTable<T>& kernels, Matrix<const T> x, Matrix<const T> w, const T* bias,
                              Matrix<T> c);
template <class T>
void multiply_backward_columns(const KernelTable<T>& kernels, Matrix<const T> dy, Matrix<const T> w, Matrix<T> dx);
template <class T>
void multiply_gradient_columns(const KernelTable<T>& kernels, Matrix<const T> x, Matrix<const T> dy, T* scratch, T* dw,
                               T* db, bool accumulate);

// Whether multiply_backward wants the transpose of an in × out matrix kept beside it.
bool plans_transpose(Size in, Size out);
// Numbers of memory that multiply_backward works in.
Size backward_scratch(Size in, Size out);

// BLAS keeps to one thread, since our own team works around it; other libraries may have raised its count.
void hold_blas_at_one_thread();
std::string blas_description();

}  // namespace multicapa
