// The few types that every floor shares.
#pragma once

#include <cstddef>
#include <cstdint>

namespace multicapa {

using Size = std::int64_t;  // sizes, indices and strides, counted in elements

// The standard's containers count in unsigned numbers.
template <class Vector> auto& at(Vector& vector, Size i) { return vector[static_cast<std::size_t>(i)]; }

// A row-major matrix that somebody else owns.
template <class T> struct Matrix {
  T* data = nullptr;
  Size rows = 0;
  Size columns = 0;
  Size stride = 0;  // elements from one row to the next
};

// How a block of samples lies in memory: each sample a row, or each feature a row and each sample a column. In the
// second, the lanes of a register are samples, so layers of three or ten units waste none; the columns are filled up
// to whole cache lines, and what stands in the surplus ones is computed along and never read.
enum class Arrangement { samples_as_rows, samples_as_columns };

template <class T> Matrix<const T> as_const(Matrix<T> m) { return {m.data, m.rows, m.columns, m.stride}; }

// Every parameter of a network starts on a cache line of its flat vector; this many numbers lie between two starts.
template <class T> constexpr Size aligned(Size count) {
  constexpr Size unit = 64 / sizeof(T);
  return (count + unit - 1) / unit * unit;
}

// A value alone on its cache lines: what one thread writes and others read would otherwise take along what lies beside
// it from core to core.
template <class Value> struct alignas(64) Apart {
  Value value{};
};

}  // namespace multicapa
