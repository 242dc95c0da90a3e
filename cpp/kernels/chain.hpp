// A small network that is dense layers and activations one after another, and one batch on its way through it: what one
// kernel needs in order to do a whole turn of training. Nothing here may have a body (see table.hpp).
#pragma once

#include "kernels/samples.hpp"

namespace multicapa {

// One dense layer and its activation. The matrices of its block have `stride` numbers a row, whole cache lines; the
// surplus ones are zero in x, z and their deltas and finite in a.
template <class T> struct ChainLayer {
  Size in, in_stride;
  Size units, stride;
  const T *weight, *bias;  // bias may be null
  T *weight_gradient, *bias_gradient;
  const ActivationKernel<T>* activation;  // null: a is z
  T parameter;
  T *z, *a, *delta;
  T* transposed;  // of the weights: units × in_stride
};

template <class T> struct ChainCall {
  const ChainLayer<T>* layers;
  Size count;
  Size rows, row_stride;  // samples, and the same up to whole cache lines
  T *x, *targets, *weights, *costs;
  void (*loss)(const LossCall<T>&);  // for samples as rows, or as columns where the last layer is narrow
  T loss_parameter, scale;
  const Samples<T>* samples;
  const Size* order;
  Size first;
};

// The last layer of so few units is computed with samples as columns.
constexpr Size narrow_units = 4;

}  // namespace multicapa
