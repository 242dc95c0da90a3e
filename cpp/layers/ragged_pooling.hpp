// The mean, or the largest number, of each feature over the steps that a sample has, with samples as columns; 0 where
// it has none. The block narrows as its samples end.
#pragma once

#include <algorithm>

#include "layers/layer.hpp"

namespace multicapa {

template <class T> class RaggedPooling {
 public:
  RaggedPooling(const Call<T>& call, Size features) : call_(call), features_(features) {}

  void mean() const {
    const Matrix<T> y = call_.output;
    fill(y);
    for (Size t = 0; t < call_.steps; ++t) {
      const Matrix<const T> x = step(call_.inputs[0], t);
      call_.kernels->add(x, {y.data, features_, x.columns, y.stride});
    }
    for_numbers(call_.rows, [&](Size f, Size s) { y.data[f * y.stride + s] *= share(s); });
  }

  void mean_backward() const {
    const Matrix<T> dy = call_.dy;
    for (Size t = 0; t < call_.steps; ++t) {
      const Matrix<T> dx = step(call_.dx[0], t);
      for_numbers(dx.columns,
                  [&](Size f, Size s) { dx.data[f * dx.stride + s] = dy.data[f * dy.stride + s] * share(s); });
    }
  }

  void largest() const {
    const Matrix<T> y = call_.output;
    fill(y);
    for (Size t = 0; t < call_.steps; ++t) {
      const Matrix<const T> x = step(call_.inputs[0], t);
      for_numbers(x.columns, [&](Size f, Size s) {
        T& most = y.data[f * y.stride + s];
        const T here = x.data[f * x.stride + s];
        if (t == 0 || here > most) most = here;
      });
    }
  }

  // The first of equal maxima gets the gradient.
  void largest_backward() const {
    for_numbers(call_.rows, [&](Size f, Size s) {
      const T most = call_.output.data[f * call_.output.stride + s];
      bool given = false;
      for (Size t = 0; t < call_.lengths[s]; ++t) {
        const Matrix<const T> x = step(call_.inputs[0], t);
        const Matrix<T> dx = step(call_.dx[0], t);
        const bool takes = !given && x.data[f * x.stride + s] == most;
        dx.data[f * dx.stride + s] = takes ? call_.dy.data[f * call_.dy.stride + s] : T(0);
        given |= takes;
      }
    });
  }

 private:
  template <class U> Matrix<U> step(Matrix<U> m, Size t) const {
    return {m.data + t * features_ * m.stride, features_, call_.active[t], m.stride};
  }
  template <class Body> void for_numbers(Size samples, Body body) const {
    for (Size f = 0; f < features_; ++f)
      for (Size s = 0; s < samples; ++s) body(f, s);
  }
  void fill(Matrix<T> y) const {
    for (Size f = 0; f < features_; ++f) std::fill_n(y.data + f * y.stride, y.columns, T(0));
  }
  T share(Size s) const { return T(1) / static_cast<T>(std::max<Size>(call_.lengths[s], 1)); }

  const Call<T>& call_;
  const Size features_;
};

}  // namespace multicapa
