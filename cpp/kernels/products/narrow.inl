// The last layer of a chain when it has at most four units: samples as columns on its side and as rows on the side of
// its inputs, so that all lanes are in use. x is rows of whole cache lines, z and delta are Count × samples, and the
// weights are in × Count.

// The first `count` lanes and zeros, where count may be beyond either end.
template <class T> inline Vector<T> load_some(const T* source, Size count) {
  return count >= width<T> ? load(source) : count > 0 ? load_partial(source, count) : Vector<T>{};
}
template <class T> inline void store_some(T* target, Vector<T> vector, Size count) {
  if (count >= width<T>) store(target, vector);
  else if (count > 0) store_partial(target, vector, count);
}

// Count registers' lanes in turn, as one run of numbers in Count registers.
template <class T, int Count> inline void interleave_lines(const Vector<T>* lines, Vector<T>* run) {
  unrolled<Count>([&](auto r) {
    run[r] = lines[0];
    unrolled<Count>([&](auto c) {
      run[r] = shuffle<T>(run[r], lines[c], [=](Size i) {
        const Size place = r * width<T> + i;
        return place % Count == c ? width<T> + place / Count : i;
      });
    });
  });
}

// The way back.
template <class T, int Count> inline void split_run(const Vector<T>* run, Vector<T>* lines) {
  unrolled<Count>([&](auto c) {
    lines[c] = run[0];
    unrolled<Count>([&](auto r) {
      lines[c] = shuffle<T>(lines[c], run[r], [=](Size i) {
        const Size place = i * Count + c;
        return place / width<T> == r ? width<T> + place % width<T> : i;
      });
    });
  });
}

template <class T, int Count> inline void narrow_transpose(const ChainLayer<T>& layer) {
  for (Size first = 0; first < layer.weight.rows; first += width<T>) {
    Vector<T> run[Count], lines[Count];
    unrolled<Count>([&](auto r) {
      const Size place = first * Count + r * width<T>;
      run[r] = load_some(layer.weight.data + place, layer.weight.rows * Count - place);
    });
    split_run<T, Count>(run, lines);
    unrolled<Count>([&](auto c) { store<T>(layer.transposed + c * layer.x.stride + first, lines[c]); });
  }
}

template <class T, int Count> inline void narrow_forward(const ChainLayer<T>& layer) {
  const Matrix<const T> x = layer.x;
  const auto bias = [&](auto c) { return layer.bias ? layer.bias[c] : T(0); };
  if (x.rows == 1) {
    unrolled<Count>([&](auto c) {
      Vector<T> sum{};
      for (Size i = 0; i < x.columns; i += width<T>)
        sum += load(x.data + i) * load(layer.transposed + c * x.stride + i);
      layer.z[c * layer.stride] = sum_lanes<T>(sum) + bias(c);
    });
    return;
  }
  for (Size first = 0; first < x.rows; first += width<T>)
    unrolled<Count>([&](auto c) {
      Vector<T> sum[width<T>];
      const T *rows = x.data + first * x.stride, *factors = layer.transposed + c * x.stride;
      unrolled<width<T>>([&](auto s) { sum[s] = load(rows + s * x.stride) * load(factors); });
      for (Size i = width<T>; i < x.columns; i += width<T>)
        unrolled<width<T>>([&](auto s) { sum[s] += load(rows + s * x.stride + i) * load(factors + i); });
      store<T>(layer.z + c * layer.stride + first, sum_square<T>(sum) + bias(c));
    });
}

template <class T, int Count> inline void narrow_gradient(const ChainLayer<T>& layer) {
  const Matrix<const T> x = layer.x;
  const auto delta = [&](auto c, Size s) { return layer.delta[c * layer.stride + s]; };
  for (Size first = 0; first < x.columns; first += width<T>) {
    Vector<T> even[Count], odd[Count], run[Count];
    unrolled<Count>([&](auto c) { even[c] = odd[c] = Vector<T>{}; });
    const T* row = x.data + first;
    Size s = 0;
    for (; s + 2 <= x.rows; s += 2, row += 2 * x.stride)
      unrolled<Count>([&](auto c) {
        even[c] += load(row) * delta(c, s);
        odd[c] += load(row + x.stride) * delta(c, s + 1);
      });
    if (s < x.rows) unrolled<Count>([&](auto c) { even[c] += load(row) * delta(c, s); });
    unrolled<Count>([&](auto c) { even[c] += odd[c]; });
    interleave_lines<T, Count>(even, run);
    unrolled<Count>([&](auto r) {
      const Size place = first * Count + r * width<T>;
      store_some<T>(layer.weight_gradient + place, run[r], x.columns * Count - place);
    });
  }
  if (!layer.bias) return;
  unrolled<Count>([&](auto c) {
    Vector<T> sum{};
    for (Size s = 0; s < x.rows; s += width<T>) sum += load_some(layer.delta + c * layer.stride + s, x.rows - s);
    layer.bias_gradient[c] = sum_lanes<T>(sum);
  });
}

template <class T, int Count> inline void narrow_backward(const ChainLayer<T>& layer) {
  const Matrix<T> dx = layer.dx;
  const Size stride = layer.stride;
  for (Size first = 0; first < dx.columns; first += width<T>) {
    Vector<T> line[Count];
    unrolled<Count>([&](auto c) { line[c] = load(layer.transposed + c * dx.stride + first); });
    for (Size s = 0; s < dx.rows; ++s) {
      const T* delta = layer.delta + s;
      Vector<T> sum = line[0] * delta[0];
      unrolled<Count - 1>([&](auto c) { sum += line[c + 1] * delta[(c + 1) * stride]; });
      store<T>(dx.data + s * dx.stride + first, sum);
    }
  }
}
