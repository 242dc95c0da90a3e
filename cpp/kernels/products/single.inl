// Products of a single sample: nothing to share among rows, so the matrix streams through once.

// Two sums per register of y, since an addition waits for the one before it.
template <class T, int Panels, class Part>
inline void vector_matrix_panel(const T* x, Matrix<const T> w, const T* bias, T* y, Part last) {
  const auto get = [&](const T* source, auto p) {
    if constexpr (p == Panels - 1) return last.get(source + p * width<T>);
    else return load(source + p * width<T>);
  };
  Vector<T> even[Panels], odd[Panels];
  unrolled<Panels>([&](auto p) { even[p] = bias ? get(bias, p) : Vector<T>{}, odd[p] = Vector<T>{}; });
  const T* row = w.data;
  Size k = 0;
  for (; k + 2 <= w.rows; k += 2, row += 2 * w.stride)
    unrolled<Panels>([&](auto p) {
      even[p] += x[k] * get(row, p);
      odd[p] += x[k + 1] * get(row + w.stride, p);
    });
  if (k < w.rows) unrolled<Panels>([&](auto p) { even[p] += x[k] * get(row, p); });
  unrolled<Panels>([&](auto p) {
    if constexpr (p == Panels - 1) last.put(y + p * width<T>, even[p] + odd[p]);
    else store<T>(y + p * width<T>, even[p] + odd[p]);
  });
}

// What does not fit into L1 comes soonest row by row; y is what is gone through again then.
constexpr Size large_matrix_bytes = 1 << 15;
constexpr int rows_at_once = 8;

template <class T, int Rows> inline void add_rows(const T* x, const T* w, Size stride, Size columns, T* y) {
  for_vectors<T>(columns, [&](Size j, auto part) {
    Vector<T> even = part.get(y + j), odd{};
    unrolled<Rows>([&](auto k) { (k % 2 ? odd : even) += x[k] * part.get(w + k * stride + j); });
    part.put(y + j, even + odd);
  });
}

template <class T> void vector_matrix_by_rows(const T* x, Matrix<const T> w, const T* bias, T* y) {
  for_vectors<T>(w.columns, [&](Size j, auto part) { part.put(y + j, bias ? part.get(bias + j) : Vector<T>{}); });
  Size k = 0;
  for (; k + rows_at_once <= w.rows; k += rows_at_once)
    add_rows<T, rows_at_once>(x + k, w.data + k * w.stride, w.stride, w.columns, y);
  for (; k < w.rows; ++k) add_rows<T, 1>(x + k, w.data + k * w.stride, w.stride, w.columns, y);
}

template <class T> void vector_matrix(const T* x, Matrix<const T> w, const T* bias, T* y) {
  if (w.columns >= 4 * width<T> && w.rows * w.columns * static_cast<Size>(sizeof(T)) >= large_matrix_bytes)
    return vector_matrix_by_rows<T>(x, w, bias, y);
  Size column = 0;
  const auto panel = [&](auto panels, auto last) {
    const Matrix<const T> here{w.data + column, w.rows, w.columns, w.stride};
    vector_matrix_panel<T, panels>(x, here, bias ? bias + column : nullptr, y + column, last);
    column += panels * width<T>;
  };
  while (column + 4 * width<T> <= w.columns) panel(Constant<4>{}, Whole<T>{});
  if (column + 2 * width<T> <= w.columns) panel(Constant<2>{}, Whole<T>{});
  if (column + width<T> <= w.columns) panel(Constant<1>{}, Whole<T>{});
  if (column < w.columns) panel(Constant<1>{}, Part<T>{w.columns - column});
}

template <class T> void outer_product(const T* x, Size count, const T* dy, Size units, T* dw, bool accumulate) {
  for_vectors<T>(units, [&](Size j, auto part) {
    const Vector<T> line = part.get(dy + j);
    for (Size i = 0; i < count; ++i) {
      T* out = dw + i * units + j;
      part.put(out, accumulate ? part.get(out) + x[i] * line : x[i] * line);
    }
  });
}
