// What a walk back through time gathers for the gradients of the weights; part of recurrent.cpp.
#pragma once

#include <algorithm>

#include "layers/recurrent/recurrent.hpp"

namespace multicapa {

constexpr Size gathered_rows = 256;  // steps of samples whose part of the weights' gradients is one product

template <class T> inline void fill(Matrix<T> m, T value) {
  for (Size r = 0; r < m.rows; ++r) std::fill_n(m.data + r * m.stride, m.columns, value);
}

// Steps of samples as rows, until there are enough for a product.
template <class T> class Recurrent<T>::Gathered {
 public:
  Gathered(const Recurrent& layer, const Frame& f) : layer_(layer), frame_(f) {
    T* place = f.fixed + layer.gathered_at_;
    const Size widths[] = {layer.cell_.slots * layer.units_, layer.features_, layer.units_};
    for (int i = 0; i < 3; ++i) {
      rows_[i] = {place, 0, widths[i], layer.gathered_stride_[i]};
      place += gathered_rows * rows_[i].stride;
    }
  }

  void push(const Step& step) {
    for (Size from = 0; from < step.samples;) {
      if (count_ == gathered_rows) flush();
      const Size count = std::min(step.samples - from, gathered_rows - count_);
      take(0, as_const(layer_.slot(frame_, step, 0, layer_.cell_.slots)), from, count);
      take(1, step.x, from, count);
      take(2, step.recalled, from, count);
      count_ += count, from += count;
    }
  }

  void flush() {
    for (Matrix<T>& rows : rows_) rows.rows = count_;
    layer_.add_gradients(frame_, as_const(rows_[0]), as_const(rows_[1]), as_const(rows_[2]), accumulate_);
    count_ = 0, accumulate_ = true;
  }

 private:
  void take(int which, Matrix<const T> m, Size from, Size count) {
    const KernelTable<T>& k = *frame_.call.kernels;
    const Matrix<T> out{rows_[which].data + count_ * rows_[which].stride, count, rows_[which].columns,
                        rows_[which].stride};
    if (!m.data) return fill(out, T(0));
    if (frame_.call.arrangement == Arrangement::samples_as_columns)
      return k.transpose({m.data + from, m.rows, count, m.stride}, out.data, out.stride);
    k.copy({m.data + from * m.stride, count, m.columns, m.stride}, out);
  }

  const Recurrent& layer_;
  const Frame& frame_;
  Matrix<T> rows_[3];  // deltas, inputs, states before
  Size count_ = 0;
  bool accumulate_ = frame_.call.accumulate;
};

}  // namespace multicapa
