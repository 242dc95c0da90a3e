// What attention needs besides products: softmax over the keys that a query sees, and additive scores. Scores are
// queries × keys.
#pragma once

#include "base/types.hpp"

namespace multicapa {

// Query r sees the first `first + r · step` keys, or all if there are fewer: step is 1 where later ones are hidden.
struct Sight {
  Size first, step;
};

// The score of query i and key j is Σ v ∘ tanh(q_i + k_j).
template <class T> struct AdditiveScores {
  Matrix<const T> q, k;
  const T* v;
  Sight sight;
};

template <class T> struct AttentionKernels {
  // Scores become weights: row by row softmax of scale · scores over what is seen, 0 beyond, whatever stands there.
  void (*softmax)(Matrix<T> scores, Sight sight, T scale);
  // delta, of the weights, becomes that of the scores: scale · w ∘ (delta − Σ w delta), 0 beyond what is seen.
  void (*softmax_backward)(Matrix<const T> weights, Matrix<T> delta, Sight sight, T scale);
  // Only of what is seen.
  void (*additive)(const AdditiveScores<T>&, Matrix<T> scores);
  // dq is overwritten, dk and dv are added to; dq and dk may have no data.
  void (*additive_backward)(const AdditiveScores<T>&, Matrix<const T> delta, Matrix<T> dq, Matrix<T> dk, T* dv);
};

struct AttentionTables {
  AttentionKernels<float> single_precision;
  AttentionKernels<double> double_precision;
};

}  // namespace multicapa
