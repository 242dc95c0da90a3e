// A layer of at most four units, with samples as columns on its side and as rows on the side of its inputs, whose lanes
// are then all in use: x is rows of `x_stride` numbers, z and dz are Count × samples, w is in × Count without gaps.

// The first `count` lanes and zeros, where count may be beyond either end.
template <class T> inline Vector<T> load_some(const T* source, Size count) {
  return count >= width<T> ? load(source) : count > 0 ? load_partial(source, count) : Vector<T>{};
}
template <class T> inline void store_some(T* target, Vector<T> vector, Size count) {
  if (count >= width<T>) store(target, vector);
  else if (count > 0) store_partial(target, vector, count);
}

// Lanes of Count registers in turn, as one run of numbers in Count registers, and back.
template <class T, int Count> inline void interleave_run(const Vector<T>* lines, Vector<T>* run) {
  unrolled<Count>([&](auto r) {
    run[r] = lines[0];
    unrolled<Count>([&](auto c) {
      Shuffle<T> lanes;
      for (Size i = 0; i < width<T>; ++i) {
        const Size at = r * width<T> + i;
        lanes[i] = at % Count == c ? width<T> + at / Count : i;
      }
      run[r] = __builtin_shuffle(run[r], lines[c], lanes);
    });
  });
}
template <class T, int Count> inline void split_run(const Vector<T>* run, Vector<T>* lines) {
  unrolled<Count>([&](auto c) {
    lines[c] = run[0];
    unrolled<Count>([&](auto r) {
      Shuffle<T> lanes;
      for (Size i = 0; i < width<T>; ++i) {
        const Size at = i * Count + c;
        lanes[i] = at / width<T> == r ? width<T> + at % width<T> : i;
      }
      lines[c] = __builtin_shuffle(lines[c], run[r], lanes);
    });
  });
}

template <class T, int Count> inline void narrow_transpose(const T* w, Size in, T* transposed, Size stride) {
  for (Size first = 0; first < in; first += width<T>) {
    Vector<T> run[Count], lines[Count];
    unrolled<Count>([&](auto r) {
      run[r] = load_some(w + first * Count + r * width<T>, (in - first) * Count - r * width<T>);
    });
    split_run<T, Count>(run, lines);
    unrolled<Count>([&](auto c) { store<T>(transposed + c * stride + first, lines[c]); });
  }
}

template <class T, int Count>
inline void narrow_forward(Matrix<const T> x, const T* transposed, const T* bias, T* z, Size z_stride) {
  if (x.rows == 1) {
    unrolled<Count>([&](auto c) {
      Vector<T> sum{};
      for (Size i = 0; i < x.columns; i += width<T>) sum += load(x.data + i) * load(transposed + c * x.stride + i);
      z[c * z_stride] = sum_lanes<T>(sum) + (bias ? bias[c] : T(0));
    });
    return;
  }
  for (Size first = 0; first < x.rows; first += width<T>)
    unrolled<Count>([&](auto c) {
      Vector<T> sum[width<T>] = {};
      for (Size i = 0; i < x.columns; i += width<T>) {
        const Vector<T> factor = load(transposed + c * x.stride + i);
        unrolled<width<T>>([&](auto s) { sum[s] += load(x.data + (first + s) * x.stride + i) * factor; });
      }
      store<T>(z + c * z_stride + first, sum_square<T>(sum) + (bias ? bias[c] : T(0)));
    });
}

template <class T, int Count>
inline void narrow_gradient(Matrix<const T> x, const T* dz, Size z_stride, T* dw, T* db) {
  for (Size first = 0; first < x.columns; first += width<T>) {
    Vector<T> even[Count] = {}, odd[Count] = {}, run[Count];
    const T* row = x.data + first;
    Size s = 0;
    for (; s + 2 <= x.rows; s += 2, row += 2 * x.stride)
      unrolled<Count>([&](auto c) {
        even[c] += load(row) * dz[c * z_stride + s];
        odd[c] += load(row + x.stride) * dz[c * z_stride + s + 1];
      });
    if (s < x.rows) unrolled<Count>([&](auto c) { even[c] += load(row) * dz[c * z_stride + s]; });
    unrolled<Count>([&](auto c) { even[c] += odd[c]; });
    interleave_run<T, Count>(even, run);
    unrolled<Count>([&](auto r) {
      store_some<T>(dw + first * Count + r * width<T>, run[r], (x.columns - first) * Count - r * width<T>);
    });
  }
  if (!db) return;
  for (int c = 0; c < Count; ++c) {
    T sum[4] = {};
    for (Size s = 0; s < x.rows; ++s) sum[s % 4] += dz[c * z_stride + s];
    db[c] = (sum[0] + sum[1]) + (sum[2] + sum[3]);
  }
}

template <class T, int Count>
inline void narrow_backward(const T* dz, Size z_stride, const T* transposed, Matrix<T> dx) {
  for (Size first = 0; first < dx.columns; first += width<T>) {
    Vector<T> line[Count];
    unrolled<Count>([&](auto c) { line[c] = load(transposed + c * dx.stride + first); });
    for (Size s = 0; s < dx.rows; ++s) {
      Vector<T> sum = line[0] * dz[s];
      unrolled<Count - 1>([&](auto c) { sum += line[c + 1] * dz[(c + 1) * z_stride + s]; });
      store<T>(dx.data + s * dx.stride + first, sum);
    }
  }
}
