// Softmax over the keys that a query sees, which come first, and additive scores. See attention.hpp.

inline Size seen_by(Sight sight, Size row, Size keys) {
  const Size seen = sight.first + row * sight.step;
  return seen < keys ? seen : keys;
}

// Whole registers of zeros would reach into the next row.
template <class T> inline void clear(T* from, Size count) {
  for_vectors<T>(count, [&](Size i, auto part) { part.put(from + i, Vector<T>{}); });
}

template <class T> void attention_softmax(Matrix<T> scores, Sight sight, T scale) {
  const Vector<T> nothing = broadcast<T>(-T(__builtin_inf()));
  for (Size r = 0; r < scores.rows; ++r) {
    T* row = scores.data + r * scores.stride;
    const Size seen = seen_by(sight, r, scores.columns);
    Vector<T> highest = nothing, total{};
    for_vectors<T>(seen, [&](Size j, auto part) { highest = maximum<T>(highest, part.get_or(row + j, nothing)); });
    const Vector<T> peak = broadcast<T>(max_lanes<T>(highest));
    for_vectors<T>(seen, [&](Size j, auto part) {
      const Vector<T> e = exponential<T>((part.get_or(row + j, nothing) - peak) * scale);
      total += e;
      part.put(row + j, e);
    });
    const T factor = T(1) / sum_lanes<T>(total);
    for_vectors<T>(seen, [&](Size j, auto part) { part.put(row + j, part.get(row + j) * factor); });
    clear(row + seen, scores.columns - seen);
  }
}

template <class T> void attention_softmax_backward(Matrix<const T> weights, Matrix<T> delta, Sight sight, T scale) {
  for (Size r = 0; r < delta.rows; ++r) {
    const T* w = weights.data + r * weights.stride;
    T* d = delta.data + r * delta.stride;
    const Size seen = seen_by(sight, r, delta.columns);
    Vector<T> product{};
    for_vectors<T>(seen, [&](Size j, auto part) { product += part.get(w + j) * part.get(d + j); });
    const T mean = sum_lanes<T>(product);
    for_vectors<T>(seen,
                   [&](Size j, auto part) { part.put(d + j, part.get(w + j) * (part.get(d + j) - mean) * scale); });
    clear(d + seen, delta.columns - seen);
  }
}

template <class T> void additive(const AdditiveScores<T>& s, Matrix<T> scores) {
  for (Size r = 0; r < s.q.rows; ++r) {
    const T* q = s.q.data + r * s.q.stride;
    const Size seen = seen_by(s.sight, r, s.k.rows);
    for (Size j = 0; j < seen; ++j) {
      const T* k = s.k.data + j * s.k.stride;
      Vector<T> total{};
      for_vectors<T>(s.q.columns, [&](Size u, auto part) {
        total += part.get(s.v + u) * hyperbolic_tangent<T>(part.get(q + u) + part.get(k + u));
      });
      scores.data[r * scores.stride + j] = sum_lanes<T>(total);
    }
  }
}

// A register of features of a query meets all keys, with its own gradients and those of v at hand.
template <class T>
void additive_backward(const AdditiveScores<T>& s, Matrix<const T> delta, Matrix<T> dq, Matrix<T> dk, T* dv) {
  for (Size r = 0; r < s.q.rows; ++r) {
    const T *q = s.q.data + r * s.q.stride, *d = delta.data + r * delta.stride;
    const Size seen = seen_by(s.sight, r, s.k.rows);
    for_vectors<T>(s.q.columns, [&](Size u, auto part) {
      const Vector<T> query = part.get(q + u), v = part.get(s.v + u);
      Vector<T> of_query{}, of_v{};
      for (Size j = 0; j < seen; ++j) {
        const Vector<T> t = hyperbolic_tangent<T>(query + part.get(s.k.data + j * s.k.stride + u));
        const Vector<T> of_sum = d[j] * v * (T(1) - t * t);
        of_query += of_sum, of_v += d[j] * t;
        T* const key = dk.data + j * dk.stride + u;
        if (dk.data) part.put(key, part.get(key) + of_sum);
      }
      if (dq.data) part.put(dq.data + r * dq.stride + u, of_query);
      part.put(dv + u, part.get(dv + u) + of_v);
    });
  }
}
