// Kernels for samples as columns: the way in from X, and the sums over samples, which lie along the lanes.

// c[i · Count + j] = x_i · y_j. So many rows of x are taken together that every lane of the result is one of the sums.
template <class T, int Count> inline void row_products_of(Matrix<const T> x, Matrix<const T> y, T* c, bool accumulate) {
  constexpr int group = static_cast<int>(width<T>) / Count;
  for (Size first = 0; first < x.rows; first += group) {
    const Size rows = x.rows - first < group ? x.rows - first : group;
    const T* from = x.data + first * x.stride;
    Vector<T> sum[width<T>] = {};
    for_vectors<T>(x.columns, [&](Size s, auto part) {
      Vector<T> factor[Count];
      unrolled<Count>([&](auto j) { factor[j] = part.get(y.data + j * y.stride + s); });
      unrolled<group>([&](auto i) {
        if (i >= rows) return;
        const Vector<T> value = part.get(from + i * x.stride + s);
        unrolled<Count>([&](auto j) { sum[i * Count + j] += value * factor[j]; });
      });
    });
    const Vector<T> total = sum_square<T>(sum);
    T* out = c + first * Count;
    const auto put = [&](auto part) { part.put(out, accumulate ? part.get(out) + total : total); };
    rows* Count == width<T> ? put(Whole<T>{}) : put(Part<T>{rows * Count});
  }
}

template <class T> void row_products(Matrix<const T> x, Matrix<const T> y, T* c, bool accumulate) {
  if (y.rows == 1) return row_products_of<T, 1>(x, y, c, accumulate);
  if (y.rows == 2) return row_products_of<T, 2>(x, y, c, accumulate);
  if constexpr (width<T> >= 4)
    y.rows == 3 ? row_products_of<T, 3>(x, y, c, accumulate) : row_products_of<T, 4>(x, y, c, accumulate);
}

template <class T> void row_sums(Matrix<const T> x, T* sum, bool accumulate) {
  for (Size first = 0; first < x.rows; first += width<T>) {
    const Size rows = x.rows - first < width<T> ? x.rows - first : width<T>;
    Vector<T> total[width<T>] = {};
    for (Size i = 0; i < rows; ++i)
      for_vectors<T>(x.columns, [&](Size s, auto part) { total[i] += part.get(x.data + (first + i) * x.stride + s); });
    const Vector<T> here = sum_square<T>(total);
    const auto put = [&](auto part) { part.put(sum + first, accumulate ? part.get(sum + first) + here : here); };
    rows == width<T> ? put(Whole<T>{}) : put(Part<T>{rows});
  }
}

// Up to a register of numbers, converted on the way; the lanes beyond `count` are zero.
template <class T, class Source> inline Vector<T> load_converted(const Source* source, Size count) {
  if constexpr (sizeof(T) == sizeof(Source)) {
    return count == width<T> ? load(source) : load_partial(source, count);
  } else {
    T lane[width<T>] = {};
    for (Size i = 0; i < count; ++i) lane[i] = static_cast<T>(source[i]);
    return load(lane);
  }
}

// Up to four features: a whole square would be mostly empty.
template <class T, int Features, class Source>
inline void gather_fours(const Source* const* rows, Size here, T* out, Size out_stride) {
  T packed[4 * width<T>] = {};
  for (Size r = 0; r < here; ++r)
    for (int f = 0; f < Features; ++f) packed[4 * r + f] = static_cast<T>(rows[r][f]);
  Vector<T> column[4];
  transpose_fours(packed, column);
  unrolled<Features>([&](auto f) {
    T* to = out + f * out_stride;
    here == width<T> ? store(to, column[f]) : store_partial(to, column[f], here);
  });
}

template <class T, class Source>
inline void gather_columns_of(const Source* source, Size source_stride, const Size* index, Size first, Size samples,
                              Matrix<T> out) {
  constexpr Size side = width<T>;
  for (Size s = 0; s < samples; s += side) {
    const Size here = samples - s < side ? samples - s : side;
    const Source* rows[side];
    for (Size r = 0; r < here; ++r) rows[r] = source + (index ? index[first + s + r] : first + s + r) * source_stride;
    for (Size r = 0; index && r < side && s + side + r < samples; ++r)
      prefetch(source + index[first + s + side + r] * source_stride);
    T* to = out.data + s;
    if (out.rows == 1) gather_fours<T, 1>(rows, here, to, out.stride);
    else if (out.rows == 2) gather_fours<T, 2>(rows, here, to, out.stride);
    else if (out.rows == 3) gather_fours<T, 3>(rows, here, to, out.stride);
    else if (out.rows == 4) gather_fours<T, 4>(rows, here, to, out.stride);
    for (Size f = 0; out.rows > 4 && f < out.rows; f += side) {
      const Size features = out.rows - f < side ? out.rows - f : side;
      transpose_block(here, features, to + f * out.stride, out.stride,
                      [&](Size r) { return load_converted<T>(rows[r] + f, features); });
    }
  }
}

template <class T>
void gather_columns(const void* source, Scalar scalar, Size source_stride, const Size* index, Size first, Size samples,
                    Matrix<T> out) {
  if (scalar == Scalar::float32)
    gather_columns_of(static_cast<const float*>(source), source_stride, index, first, samples, out);
  else gather_columns_of(static_cast<const double*>(source), source_stride, index, first, samples, out);
}
