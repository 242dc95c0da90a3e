// A small network that is dense layers and activations one after another, as one kernel sees it that does a whole turn
// of training. Nothing here may have a body (see table.hpp).
#pragma once

#include "kernels/samples.hpp"

namespace multicapa {

// The last layer of so few units has samples as columns; all else has samples as rows.
constexpr Size narrow_units = 4;

// One dense layer and its activation. Rows are whole cache lines; what is surplus in them is zero in x, z and the
// deltas, and finite in a. Matrices are kept as kernels take them: one that is put together just before it is passed
// on holds the processor up.
template <class T> struct ChainLayer {
  Matrix<const T> x;  // rows × in
  Matrix<T> dx;       // without data in the first layer
  Matrix<const T> weight;
  const T* bias;  // may be null, as its gradient
  T *weight_gradient, *bias_gradient;
  T* transposed;  // memory for a copy of the weights: units × x.stride
  T *z, *delta;
  Size stride;                            // of these two
  const ActivationKernel<T>* activation;  // null: a is z
  T parameter;
  Matrix<const T> all_z, all_seen, all_da;  // of the activation, with what is surplus
  Matrix<T> all_a, all_delta;
};

template <class T> struct ChainPlan {
  const ChainLayer<T>* layers;
  Size count;
  Matrix<T> x;  // of the first layer
  T *targets, *weights;
  LossCall<T> loss;
  void (*run_loss)(const LossCall<T>&);
};

template <class T> struct ChainBatch {
  const Samples<T>& samples;
  const Size* order;  // null: as they lie
  Size first;
};

}  // namespace multicapa
