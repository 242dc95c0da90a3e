// Softmax of rows, alone and fused with the cross-entropy. Wide rows are taken along their columns; narrow ones, where
// three classes would leave thirteen lanes idle, across as many rows as a register holds.

constexpr Size narrow_columns = 12;

template <class T> inline bool is_narrow(Size rows, Size columns) {
  return columns <= narrow_columns && rows == width<T>;
}

// e = exp(z − peak) for one row; returns Σ e. `e` may be null when only the sum is wanted, and may be z.
template <class T> inline T exponentials(const T* z, Size columns, T* e, T& peak) {
  const Vector<T> nothing = broadcast<T>(-T(__builtin_inf()));
  Vector<T> highest = nothing, total{};
  for_vectors<T>(columns, [&](Size i, auto part) { highest = maximum<T>(highest, part.get_or(z + i, nothing)); });
  peak = max_lanes<T>(highest);
  for_vectors<T>(columns, [&](Size i, auto part) {
    const Vector<T> value = exponential<T>(part.get_or(z + i, nothing) - peak);
    total += value;
    if (e) part.put(e + i, value);
  });
  return sum_lanes<T>(total);
}

// The same for width<T> narrow rows, one per lane; z becomes e.
template <class T> inline Vector<T> exponentials_across(Vector<T>* z, Size columns, Vector<T>& peak) {
  peak = broadcast<T>(-T(__builtin_inf()));
  for (Size c = 0; c < columns; ++c) peak = maximum<T>(peak, z[c]);
  Vector<T> total{};
  for (Size c = 0; c < columns; ++c) total += z[c] = exponential<T>(z[c] - peak);
  return total;
}

template <class T> void softmax(Matrix<const T> z, Matrix<T> a, T) {
  for (Size first = 0; first < z.rows; first += width<T>) {
    const Size rows = z.rows - first < width<T> ? z.rows - first : width<T>;
    const T* in = z.data + first * z.stride;
    T* out = a.data + first * a.stride;
    if (is_narrow<T>(rows, z.columns)) {
      Vector<T> e[narrow_columns], peak;
      for (Size c = 0; c < z.columns; ++c) e[c] = load_strided(in + c, z.stride);
      const Vector<T> factor = T(1) / exponentials_across<T>(e, z.columns, peak);
      for (Size c = 0; c < z.columns; ++c) store_strided(out + c, a.stride, e[c] * factor);
      continue;
    }
    for (Size r = 0; r < rows; ++r, in += z.stride, out += a.stride) {
      T peak;
      const T factor = T(1) / exponentials<T>(in, z.columns, out, peak);
      for_vectors<T>(z.columns, [&](Size i, auto part) { part.put(out + i, part.get(out + i) * factor); });
    }
  }
}

// The full Jacobian: dz = a ∘ (dy − Σ_j dy_j a_j).
template <class T> void softmax_backward(Matrix<const T> a, Matrix<const T> dy, Matrix<T> dz, T) {
  for (Size r = 0; r < a.rows; ++r) {
    const T *y = a.data + r * a.stride, *in = dy.data + r * dy.stride;
    T* out = dz.data + r * dz.stride;
    Vector<T> product{};
    for_vectors<T>(a.columns, [&](Size i, auto part) { product += part.get(in + i) * part.get(y + i); });
    const T mean = sum_lanes<T>(product);
    for_vectors<T>(a.columns,
                   [&](Size i, auto part) { part.put(out + i, part.get(y + i) * (part.get(in + i) - mean)); });
  }
}

// Cross-entropy of softmax(z): cost = T log Σ exp z − Σ t z and dz = T a − t, with T = Σ t (1 for one-hot rows).
template <class T> inline void softmax_cross_entropy_across(const LossCall<T>& call, Size first) {
  const Size columns = call.y.columns;
  Vector<T> e[narrow_columns], t[narrow_columns], peak, target_sum{}, chosen{};
  for (Size c = 0; c < columns; ++c) {
    e[c] = load_strided(call.y.data + first * call.y.stride + c, call.y.stride);
    t[c] = load_strided(call.target.data + first * call.target.stride + c, call.target.stride);
    target_sum += t[c];
    chosen += t[c] * e[c];
  }
  const Vector<T> total = exponentials_across<T>(e, columns, peak);
  chosen -= target_sum * peak;
  store<T>(call.cost + first, target_sum * natural_log<T>(total) - chosen);
  if (!call.dy.data) return;
  const Vector<T> weight = (call.weight ? load(call.weight + first) : broadcast<T>(1)) * call.scale;
  const Vector<T> factor = target_sum / total;
  for (Size c = 0; c < columns; ++c)
    store_strided(call.dy.data + first * call.dy.stride + c, call.dy.stride, (e[c] * factor - t[c]) * weight);
}

template <class T> inline void softmax_cross_entropy_along(const LossCall<T>& call, Size first, Size rows) {
  const Size columns = call.y.columns;
  T total[width<T>] = {}, target_sum[width<T>] = {}, chosen[width<T>] = {};
  for (Size r = 0; r < rows; ++r) {
    const T *z = call.y.data + (first + r) * call.y.stride, *t = call.target.data + (first + r) * call.target.stride;
    T* dy = call.dy.data ? call.dy.data + (first + r) * call.dy.stride : nullptr;
    T peak;
    Vector<T> sum{}, dot{};
    // z may be overwritten by dy, so the products with z come first.
    for_vectors<T>(columns, [&](Size i, auto part) {
      const Vector<T> target = part.get(t + i);
      sum += target;
      dot += target * part.get(z + i);
    });
    target_sum[r] = sum_lanes<T>(sum);
    chosen[r] = sum_lanes<T>(dot);
    total[r] = exponentials<T>(z, columns, dy, peak);
    chosen[r] -= peak * target_sum[r];
    if (!dy) continue;
    const T weight = (call.weight ? call.weight[first + r] : T(1)) * call.scale, factor = target_sum[r] / total[r];
    for_vectors<T>(
        columns, [&](Size i, auto part) { part.put(dy + i, (part.get(dy + i) * factor - part.get(t + i)) * weight); });
  }
  for_vectors<T>(rows, [&](Size r, auto part) {
    part.put(call.cost + first + r,
             part.get(target_sum + r) * natural_log<T>(part.get_or(total + r, broadcast<T>(1))) - part.get(chosen + r));
  });
}

template <class T> void softmax_cross_entropy(const LossCall<T>& call) {
  for (Size first = 0; first < call.y.rows; first += width<T>) {
    const Size rows = call.y.rows - first < width<T> ? call.y.rows - first : width<T>;
    if (is_narrow<T>(rows, call.y.columns)) softmax_cross_entropy_across(call, first);
    else softmax_cross_entropy_along(call, first, rows);
  }
}

// The same with samples as columns. dy holds the exponentials meanwhile, so the logits are read before it is written:
// y and dy may be one.
template <class T> void softmax_cross_entropy_columns(const LossCall<T>& call) {
  const Size classes = call.y.rows;
  for_vectors<T>(call.y.columns, [&](Size s, auto part) {
    const auto at = [&](auto matrix, Size c) { return matrix.data + c * matrix.stride + s; };
    Vector<T> peak = part.get(at(call.y, 0)), total{}, target_sum{}, chosen{};
    for (Size c = 1; c < classes; ++c) peak = maximum<T>(peak, part.get(at(call.y, c)));
    for (Size c = 0; c < classes; ++c) {
      const Vector<T> z = part.get(at(call.y, c)) - peak, t = part.get(at(call.target, c)), e = exponential<T>(z);
      total += e, target_sum += t, chosen += t * z;
      if (call.dy.data) part.put(at(call.dy, c), e);
    }
    part.put(call.cost + s, target_sum * natural_log<T>(total) - chosen);
    if (!call.dy.data) return;
    const Vector<T> scale = broadcast<T>(call.scale);
    const Vector<T> weight = call.weight ? part.get(call.weight + s) * scale : scale;
    const Vector<T> factor = weight * target_sum / total;
    for (Size c = 0; c < classes; ++c)
      part.put(at(call.dy, c), part.get(at(call.dy, c)) * factor - part.get(at(call.target, c)) * weight);
  });
}
