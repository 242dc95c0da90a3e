// What convolutions and poolings ask of the kernels. As in table.hpp, nothing here has a body.
#pragma once

#include "kernels/table.hpp"

namespace multicapa {

// A window that moves along one axis of a map: output o sees the inputs o · stride + t · dilation − before, for its
// taps t; those beyond the ends are zeros to a convolution, and nothing to a pooling.
struct WindowAxis {
  Size in, out, taps, stride, dilation, before;
};

// Maps are height × width × channels, channels last; a series is a map of height 1.
struct WindowShape {
  WindowAxis vertical, horizontal;
  Size channels;  // that come in
  Size filters;   // channels that go out
  Size groups;    // of channels, each seen by its own part of the filters
};

template <class T> struct MapKernels {
  // Convolutions: samples lie as rows, or as columns; then a map is (height · width · channels) × samples, and the last
  // columns may be surplus. Weights are (vertical taps, horizontal taps, channels / groups, filters).

  // y = x ∗ w + bias, bias being null where there is none.
  void (*convolution_forward)(const WindowShape&, Arrangement, Matrix<const T> x, const T* w, const T* bias,
                              Matrix<T> y);
  // dx, with the weights turned by `turn_weights`: the taps in reverse, each (filters, channels / groups).
  void (*convolution_backward)(const WindowShape&, Arrangement, Matrix<const T> dy, const T* turned, Matrix<T> dx);
  void (*turn_weights)(const WindowShape&, const T* w, T* turned);
  // dw and, unless it is null, db, plus what they were when `accumulate`; over the first `samples` columns.
  void (*convolution_gradient)(const WindowShape&, Arrangement, Size samples, Matrix<const T> x, Matrix<const T> dy,
                               T* dw, T* db, bool accumulate);

  // Poolings: samples lie as rows. With samples as columns, a map is one row of (channels · columns) channels.
  void (*max_pool_forward)(const WindowShape&, Matrix<const T> x, Matrix<T> y);
  // The first of equal maxima gets the gradient.
  void (*max_pool_backward)(const WindowShape&, Matrix<const T> x, Matrix<const T> y, Matrix<const T> dy, Matrix<T> dx);
  void (*average_pool_forward)(const WindowShape&, Matrix<const T> x, Matrix<T> y);
  void (*average_pool_backward)(const WindowShape&, Matrix<const T> dy, Matrix<T> dx);
};

// What the object file of one instruction set exports.
struct MapTables {
  MapKernels<float> single_precision;
  MapKernels<double> double_precision;
};

}  // namespace multicapa
