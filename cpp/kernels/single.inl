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

template <class T> void vector_matrix(const T* x, Matrix<const T> w, const T* bias, T* y) {
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
