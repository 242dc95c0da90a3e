// What recurrent layers need besides the kernels that all share: products by weights that stay the same from step to
// step, and the gates of one step in one pass over registers.
#pragma once

#include "base/types.hpp"

namespace multicapa {

// C = bias + A₀·B₀ + A₁·B₁, or C += that sum, with samples as columns. A₀ and A₁ have `rows` rows and are packed.
template <class T> struct PackedProduct {
  struct Term {
    const T* packed = nullptr;
    const T* b = nullptr;
    Size stride = 0, depth = 0;
  };
  Size rows, columns;  // columns: whole registers
  const T* bias;       // one per row, or null
  Term terms[2];
  T* c;
  Size stride;
  bool accumulate;
};

template <class T> struct RecurrentKernels {
  // Element (i, k) of A is a[i · row + k · column]; `packed` takes rows · depth numbers.
  void (*pack)(const T* a, Size row, Size column, Size rows, Size depth, T* packed);
  void (*multiply_packed)(const PackedProduct<T>&);

  // gates: those of i f g o, from their sums to their values. A previous cell without data is zero.
  void (*lstm_forward)(const Matrix<T>* gates, Matrix<const T> previous, Matrix<T> cell, Matrix<T> hidden);
  // The gates become their deltas, dcell that of the previous cell.
  void (*lstm_backward)(const Matrix<T>* gates, Matrix<const T> previous, Matrix<const T> cell, Matrix<T> dcell,
                        Matrix<const T> dh);

  // gates: z r and, reset_after, the recurrent part q of the candidate; else the fourth becomes r ∘ previous.
  void (*gru_gates)(const Matrix<T>* gates, Matrix<const T> previous, bool reset_after);
  // The candidate, the third, from its sum to its value, with r ∘ q added when reset_after.
  void (*gru_forward)(const Matrix<T>* gates, Matrix<const T> previous, bool reset_after, Matrix<T> hidden);
  // All but the reset gate without reset_after become their deltas; dh becomes dh ∘ z.
  void (*gru_backward)(const Matrix<T>* gates, Matrix<const T> previous, bool reset_after, Matrix<T> dh);
  // Without reset_after: from the delta of r ∘ previous that of r, and dh += that delta ∘ r.
  void (*gru_backward_reset)(const Matrix<T>* gates, Matrix<const T> previous, Matrix<const T> dproduct, Matrix<T> dh);
};

struct RecurrentTables {
  RecurrentKernels<float> single_precision;
  RecurrentKernels<double> double_precision;
};

}  // namespace multicapa
