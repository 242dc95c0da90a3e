// The few types that every floor shares.
#pragma once

#include <cstdint>

namespace multicapa {

using Size = std::int64_t;  // sizes, indices and strides, counted in elements

// A row-major matrix that somebody else owns.
template <class T> struct Matrix {
  T* data = nullptr;
  Size rows = 0;
  Size columns = 0;
  Size stride = 0;  // elements from one row to the next
};

template <class T> Matrix<const T> as_const(Matrix<T> m) { return {m.data, m.rows, m.columns, m.stride}; }

// Every parameter of a network starts on a cache line of its flat vector; this many numbers lie between two starts.
template <class T> constexpr Size aligned(Size count) {
  constexpr Size unit = 64 / sizeof(T);
  return (count + unit - 1) / unit * unit;
}

}  // namespace multicapa
