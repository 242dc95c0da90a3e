// The steps of sequences (time, features), for layers that treat each for itself.
#pragma once

#include <algorithm>

#include "layers/layer.hpp"

namespace multicapa {

// Steps that lie side by side: all of them, those of one sample, or one step of all samples.
template <class T> class Steps {
 public:
  Steps(const Call<T>& call, Size time) : call_(call), time_(time) {
    const bool gaps = std::any_of(call.inputs.begin(), call.inputs.end(),
                                  [](const Matrix<const T>& x) { return x.stride != x.columns; });
    columns_ = call.arrangement == Arrangement::samples_as_columns;
    whole_ = !columns_ && !call.lengths && (time == 1 || !(gaps || call.output.stride != call.output.columns));
  }

  Size pieces() const { return whole_ ? 1 : !columns_ ? call_.rows : call_.steps < 0 ? time_ : call_.steps; }
  // Samples whose numbers a piece with samples as columns has.
  Size samples(Size piece) const { return columns_ && call_.active ? call_.active[piece] : call_.rows; }
  Size first_step(Size piece) const { return whole_ || columns_ ? 0 : piece * time_; }

  // A matrix of the block, of which each step has so many numbers.
  template <class U> Matrix<U> of(Matrix<U> m, Size piece, Size features) const {
    if (!m.data) return m;
    if (whole_) return {m.data, m.rows * time_, features, time_ == 1 ? m.stride : features};
    if (columns_) return {m.data + piece * features * m.stride, features, m.columns, m.stride};
    return {m.data + piece * m.stride, call_.lengths ? call_.lengths[piece] : time_, features, features};
  }

 private:
  const Call<T>& call_;
  const Size time_;
  bool columns_, whole_;
};

// (time, features) as 1 and the features where there is no time.
inline Size time_of(const Shape& shape) { return shape.size() == 2 ? shape[0] : 1; }

}  // namespace multicapa
