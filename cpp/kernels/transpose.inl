// Transposition in squares of registers.

template <class T> using Shuffle = IntegerVector<T>;

// The lanes of a and b in turn, from their lower or upper halves.
template <class T, bool Upper> inline Vector<T> interleave(Vector<T> a, Vector<T> b) {
  Shuffle<T> lanes;
  for (Size i = 0; i < width<T> / 2; ++i) {
    lanes[2 * i] = i + (Upper ? width<T> / 2 : 0);
    lanes[2 * i + 1] = i + (Upper ? width<T> / 2 : 0) + width<T>;
  }
  return __builtin_shuffle(a, b, lanes);
}

// Interleaving the two halves of the rows, as often as a row can be halved, turns rows into columns.
template <class T> inline void transpose_square(Vector<T>* row) {
#pragma GCC unroll 4
  for (Size size = width<T>; size > 1; size /= 2) {
    Vector<T> mixed[width<T>];
#pragma GCC unroll 8
    for (Size i = 0; i < width<T> / 2; ++i) {
      mixed[2 * i] = interleave<T, false>(row[i], row[i + width<T> / 2]);
      mixed[2 * i + 1] = interleave<T, true>(row[i], row[i + width<T> / 2]);
    }
#pragma GCC unroll 16
    for (Size i = 0; i < width<T>; ++i) row[i] = mixed[i];
  }
}

template <class T> inline void transpose_edge(const T* x, Size x_stride, Size rows, Size columns, T* y, Size y_stride) {
  for (Size j = 0; j < columns; ++j)
    for (Size i = 0; i < rows; ++i) y[j * y_stride + i] = x[i * x_stride + j];
}

template <class T> void transpose(Matrix<const T> x, T* y, Size y_stride) {
  constexpr Size side = width<T>;
  for (Size i = 0; i < x.rows; i += side)
    for (Size j = 0; j < x.columns; j += side) {
      const T* from = x.data + i * x.stride + j;
      T* to = y + j * y_stride + i;
      const Size rows = x.rows - i < side ? x.rows - i : side, columns = x.columns - j < side ? x.columns - j : side;
      if (rows < side || columns < side) {
        transpose_edge(from, x.stride, rows, columns, to, y_stride);
        continue;
      }
      Vector<T> square[side];
#pragma GCC unroll 16
      for (Size r = 0; r < side; ++r) square[r] = load(from + r * x.stride);
      transpose_square<T>(square);
#pragma GCC unroll 16
      for (Size r = 0; r < side; ++r) store(to + r * y_stride, square[r]);
    }
}
