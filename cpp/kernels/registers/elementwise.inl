// Plain passes over memory: copies, sums, penalties, and the way in from X.

template <class T> void copy(Matrix<const T> x, Matrix<T> y) {
  for_elements(x, y, [](auto part, const T* in, T* out) { part.put(out, part.get(in)); });
}

template <class T> void add(Matrix<const T> x, Matrix<T> y) {
  for_elements(x, y, [](auto part, const T* in, T* out) { part.put(out, part.get(out) + part.get(in)); });
}

template <class T> void multiply(Matrix<const T> x, Matrix<const T> m, Matrix<T> y) {
  for_elements(x, m, y,
               [](auto part, const T* in, const T* factor, T* out) { part.put(out, part.get(in) * part.get(factor)); });
}

template <class T> void scale(T* x, Size count, T factor) {
  for_vectors<T>(count, [&](Size i, auto part) { part.put(x + i, part.get(x + i) * factor); });
}

template <class T> void add_scaled(const T* x, T factor, const T* base, T* y, Size count) {
  for_vectors<T>(count, [&](Size i, auto part) { part.put(y + i, part.get(base + i) + factor * part.get(x + i)); });
}

template <class T> void clip(T* x, Size count, T low, T high) {
  for_vectors<T>(count, [&](Size i, auto part) {
    const Vector<T> value = part.get(x + i);
    const Vector<T> floored = value < low ? broadcast<T>(low) : value;  // NaN stays NaN, to be found later
    part.put(x + i, floored > high ? broadcast<T>(high) : floored);
  });
}

// Sums run in T over stretches short enough for float, and in double over the stretches.
template <class T, class Term> inline double long_sum(Size count, Term term) {
  constexpr Size stretch = 4096;
  double total = 0;
  for (Size first = 0; first < count; first += stretch) {
    Vector<T> sum{};
    for_vectors<T>(count - first < stretch ? count - first : stretch,
                   [&](Size i, auto part) { sum += term(first + i, part); });
    total += static_cast<double>(sum_lanes<T>(sum));
  }
  return total;
}

template <class T> double penalty(const T* weight, T* gradient, Size count, T l2, T l1) {
  const Vector<T> zero{}, minus = broadcast<T>(T(-0.5) * l1), plus = broadcast<T>(T(0.5) * l1);
  return long_sum<T>(count, [&](Size i, auto part) {
    const Vector<T> w = part.get(weight + i), below = w < T(0) ? minus : zero, sign = w > T(0) ? plus : below;
    part.put(gradient + i, part.get(gradient + i) + l2 * w + sign);
    return T(0.5) * l2 * w * w + sign * w;
  });
}

template <class T> double sum_of_squares(const T* x, Size count) {
  return long_sum<T>(count, [&](Size i, auto part) { return part.get(x + i) * part.get(x + i); });
}

template <class T> void sum_chunks(const T* chunks, Size chunk_count, Size chunk_stride, T* sum, Size count) {
  for_vectors<T>(count, [&](Size i, auto part) {
    Vector<T> total = part.get(chunks + i);
    for (Size c = 1; c < chunk_count; ++c) total += part.get(chunks + c * chunk_stride + i);
    part.put(sum + i, total);
  });
}

template <class T, class Source> inline void convert_row(const Source* source, T* target, Size count) {
  if constexpr (sizeof(T) == sizeof(Source))
    for_vectors<T>(count, [&](Size i, auto part) { part.put(target + i, part.get(source + i)); });
  else
#pragma omp simd
    for (Size i = 0; i < count; ++i) target[i] = static_cast<T>(source[i]);
}

template <class T, class Source>
inline void gather_rows(const Source* source, Size source_stride, const Size* index, Size first, Matrix<T> out) {
  constexpr Size ahead = 8;  // rows; far enough to hide memory behind the copying of what has arrived
  for (Size r = 0; r < out.rows; ++r) {
    if (index && r + ahead < out.rows) {
      const char* coming = reinterpret_cast<const char*>(source + index[first + r + ahead] * source_stride);
      for (Size byte = 0; byte < out.columns * static_cast<Size>(sizeof(Source)); byte += 64) prefetch(coming + byte);
    }
    const Size row = index ? index[first + r] : first + r;
    convert_row(source + row * source_stride, out.data + r * out.stride, out.columns);
  }
}

template <class T>
void gather(const void* source, Scalar scalar, Size source_stride, const Size* index, Size first, Matrix<T> out) {
  if (scalar == Scalar::float32) gather_rows(static_cast<const float*>(source), source_stride, index, first, out);
  else gather_rows(static_cast<const double*>(source), source_stride, index, first, out);
}

// x − x is zero for finite numbers and NaN for all others; the sum over a stretch says whether to look closer.
template <class T, class Source> inline Size find_not_finite_in(const Source* x, Size count) {
  constexpr Size stretch = 1024;
  for (Size first = 0; first < count; first += stretch) {
    const Size here = count - first < stretch ? count - first : stretch;
    T wrong = 0;
#pragma omp simd reduction(+ : wrong)
    for (Size i = 0; i < here; ++i) {
      const T value = static_cast<T>(x[first + i]);
      wrong += value - value;
    }
    if (wrong == T(0)) continue;
    for (Size i = 0; i < here; ++i) {
      const T value = static_cast<T>(x[first + i]);
      if (value - value != T(0)) return first + i;
    }
  }
  return -1;
}

template <class T> Size find_not_finite(const void* source, Scalar scalar, Size count) {
  return scalar == Scalar::float32 ? find_not_finite_in<T>(static_cast<const float*>(source), count)
                                   : find_not_finite_in<T>(static_cast<const double*>(source), count);
}
