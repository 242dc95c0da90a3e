// Transposition in squares of registers.

// The lanes of a and b in turn, from their lower or upper halves.
template <class T, bool Upper> inline Vector<T> interleave(Vector<T> a, Vector<T> b) {
  return shuffle<T>(a, b, [](Size i) { return i / 2 + (Upper ? width<T> / 2 : 0) + (i % 2 ? width<T> : 0); });
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

// Up to a square: row(r) gives a register of row r. Rows that are not there are zeros on the way, and only `rows` and
// `columns` numbers of the result are written.
template <class T, class Row> inline void transpose_block(Size rows, Size columns, T* y, Size y_stride, Row row) {
  constexpr Size side = width<T>;
  Vector<T> square[side];
  if (rows == side) {
#pragma GCC unroll 16
    for (Size r = 0; r < side; ++r) square[r] = row(r);
  } else {
    for (Size r = 0; r < side; ++r) square[r] = r < rows ? row(r) : Vector<T>{};
  }
  transpose_square<T>(square);
  if (rows == side && columns == side) {
#pragma GCC unroll 16
    for (Size c = 0; c < side; ++c) store(y + c * y_stride, square[c]);
  } else {
    for (Size c = 0; c < columns; ++c)
      rows == side ? store(y + c * y_stride, square[c]) : store_partial(y + c * y_stride, square[c], rows);
  }
}

template <class T> void transpose(Matrix<const T> x, T* y, Size y_stride) {
  constexpr Size side = width<T>;
  for (Size i = 0; i < x.rows; i += side)
    for (Size j = 0; j < x.columns; j += side) {
      const Size rows = x.rows - i < side ? x.rows - i : side, columns = x.columns - j < side ? x.columns - j : side;
      const T* from = x.data + i * x.stride + j;
      T* to = y + j * y_stride + i;
      if (columns == side)
        transpose_block(rows, columns, to, y_stride, [&](Size r) { return load(from + r * x.stride); });
      else
        transpose_block(rows, columns, to, y_stride,
                        [&](Size r) { return load_partial(from + r * x.stride, columns); });
    }
}

// The lanes of a and b with even numbers, or those with odd ones.
template <class T, bool Odd> inline Vector<T> every_second(Vector<T> a, Vector<T> b) {
  return shuffle<T>(a, b, [](Size i) { return 2 * i + Odd; });
}

// From a square's side of rows of four, one after the other, to four registers.
template <class T> inline void transpose_fours(const T* rows, Vector<T>* column) {
  unrolled<4>([&](auto i) { column[i] = load(rows + i * width<T>); });
  unrolled<2>([&](auto) {
    Vector<T> mixed[4];
    unrolled<2>([&](auto i) {
      mixed[i] = every_second<T, false>(column[2 * i], column[2 * i + 1]);
      mixed[i + 2] = every_second<T, true>(column[2 * i], column[2 * i + 1]);
    });
    unrolled<4>([&](auto i) { column[i] = mixed[i]; });
  });
}

// From each lane l, or its partner l ^ distance: a's where l lacks the bit of the distance, b's where it has it.
template <class T, Size distance, bool partner> inline Vector<T> choose_lanes(Vector<T> a, Vector<T> b) {
  return shuffle<T>(a, b, [](Size l) { return (partner ? l ^ distance : l) + (l & distance ? width<T> : 0); });
}

// Lane i of the result is the sum over the lanes of row[i]. Each step halves what is to be added of two rows and puts
// them side by side, with one true shuffle, since choosing among lanes in their places is none.
template <class T, Size half = width<T> / 2> [[gnu::always_inline]] inline Vector<T> sum_square(Vector<T>* row) {
  if constexpr (half == 0) {
    return row[0];
  } else {
    unrolled<half>([&](auto i) {
      const Vector<T> a = row[i], b = row[i + half];
      row[i] = choose_lanes<T, half, false>(a, b) + choose_lanes<T, half, true>(a, b);
    });
    return sum_square<T, half / 2>(row);
  }
}
