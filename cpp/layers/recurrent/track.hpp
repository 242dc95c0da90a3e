// Where the numbers of steps lie, and dropout of them.
#pragma once

#include "layers/layer.hpp"

namespace multicapa {

// Some numbers per sample and step: where they lie.
template <class T> struct Track {
  T* data = nullptr;
  Size step = 0;    // numbers from one step to the next; 0 where only the present one is kept
  Size stride = 0;  // from one number of a step to the next with samples as columns, else from sample to sample
  Arrangement arrangement = Arrangement::samples_as_rows;

  // Numbers [first, first + count) of step t of the samples [from, from + samples).
  Matrix<T> at(Size t, Size samples, Size first, Size count, Size from = 0) const {
    T* const place = data + t * step;
    if (arrangement == Arrangement::samples_as_columns) return {place + first * stride + from, count, samples, stride};
    return {place + first + from * stride, samples, count, stride};
  }
};

// One mask for all steps of a sequence (Gal & Ghahramani 2016): 1/(1 − rate) where a number is kept, else 0. Without
// data there is none, and numbers stay as they are.
template <class T> struct Mask {
  Track<T> factors{}, room{};  // room: for a step of what is masked

  // Draws those of `count` numbers, which are the numbers from `first` on among `all` of a sample.
  void draw(const Call<T>& call, T rate, Size first, Size count, Size all) const {
    if (!factors.data) return;
    const auto draw = call.kernels->dropout_mask;
    const Size start = call.first_row * all;
    if (factors.arrangement == Arrangement::samples_as_columns)
      return draw(call.seed, call.stream(), start + first * factors.stride, rate, factors.data, count * factors.stride);
    for (Size r = 0; r < call.rows; ++r)
      draw(call.seed, call.stream(), start + r * all + first, rate, factors.data + r * factors.stride, count);
  }

  Matrix<const T> masked(const Call<T>& call, Matrix<const T> m) const {
    if (!factors.data || !m.data) return m;
    const Matrix<T> out = like(room, m);
    call.kernels->multiply(m, as_const(like(factors, m)), out);
    return as_const(out);
  }

  void apply(const Call<T>& call, Matrix<T> m) const {
    if (factors.data) call.kernels->multiply(as_const(m), as_const(like(factors, as_const(m))), m);
  }

 private:
  static Matrix<T> like(const Track<T>& track, Matrix<const T> m) {
    const bool columns = track.arrangement == Arrangement::samples_as_columns;
    return track.at(0, columns ? m.columns : m.rows, 0, columns ? m.rows : m.columns);
  }
};

}  // namespace multicapa
