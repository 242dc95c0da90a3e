// The gates of one step, units × samples or samples × units, in one pass over registers. The matrices of a call are of
// one shape.

// body(r, offset, accessor) for every register of a matrix of this shape.
template <class T, class Body> inline void for_gates(Size rows, Size columns, Body body) {
  for (Size r = 0; r < rows; ++r) for_vectors<T>(columns, [&](Size i, auto part) { body(r, i, part); });
}

template <class T> inline T* place(Matrix<T> m, Size r, Size i) { return m.data + r * m.stride + i; }

// c = f ∘ c₀ + i ∘ g, h = o ∘ tanh c (Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000).
template <class T>
void lstm_forward(const Matrix<T>* gates, Matrix<const T> previous, Matrix<T> cell, Matrix<T> hidden) {
  const Matrix<T> i = gates[0], f = gates[1], g = gates[2], o = gates[3];
  for_gates<T>(hidden.rows, hidden.columns, [&](Size r, Size s, auto part) {
    const Vector<T> in = logistic<T>(part.get(place(i, r, s)));
    const Vector<T> candidate = hyperbolic_tangent<T>(part.get(place(g, r, s)));
    const Vector<T> out = logistic<T>(part.get(place(o, r, s)));
    const Vector<T> forget = logistic<T>(part.get(place(f, r, s)));
    Vector<T> c = in * candidate;
    if (previous.data) c = forget * part.get(place(previous, r, s)) + c;
    part.put(place(i, r, s), in);
    part.put(place(f, r, s), forget);
    part.put(place(g, r, s), candidate);
    part.put(place(o, r, s), out);
    part.put(place(cell, r, s), c);
    part.put(place(hidden, r, s), out * hyperbolic_tangent<T>(c));
  });
}

template <class T>
void lstm_backward(const Matrix<T>* gates, Matrix<const T> previous, Matrix<const T> cell, Matrix<T> dcell,
                   Matrix<const T> dh) {
  const Matrix<T> i = gates[0], f = gates[1], g = gates[2], o = gates[3];
  for_gates<T>(dh.rows, dh.columns, [&](Size r, Size s, auto part) {
    const Vector<T> in = part.get(place(i, r, s)), forget = part.get(place(f, r, s));
    const Vector<T> candidate = part.get(place(g, r, s)), out = part.get(place(o, r, s));
    const Vector<T> squashed = hyperbolic_tangent<T>(part.get(place(cell, r, s))), d = part.get(place(dh, r, s));
    const Vector<T> dc = d * out * (T(1) - squashed * squashed) + part.get(place(dcell, r, s));
    const Vector<T> before = previous.data ? part.get(place(previous, r, s)) : Vector<T>{};
    part.put(place(i, r, s), dc * candidate * in * (T(1) - in));
    part.put(place(f, r, s), dc * before * forget * (T(1) - forget));
    part.put(place(g, r, s), dc * in * (T(1) - candidate * candidate));
    part.put(place(o, r, s), d * squashed * out * (T(1) - out));
    part.put(place(dcell, r, s), dc * forget);
  });
}

// h = z ∘ h₀ + (1 − z) ∘ a (Cho et al. 2014).
template <class T> void gru_gates(const Matrix<T>* gates, Matrix<const T> previous, bool reset_after) {
  const Matrix<T> z = gates[0], r = gates[1], product = gates[3];
  for_gates<T>(z.rows, z.columns, [&](Size row, Size s, auto part) {
    const Vector<T> reset = logistic<T>(part.get(place(r, row, s)));
    part.put(place(z, row, s), logistic<T>(part.get(place(z, row, s))));
    part.put(place(r, row, s), reset);
    if (reset_after) return;
    const Vector<T> before = previous.data ? part.get(place(previous, row, s)) : Vector<T>{};
    part.put(place(product, row, s), reset * before);
  });
}

template <class T>
void gru_forward(const Matrix<T>* gates, Matrix<const T> previous, bool reset_after, Matrix<T> hidden) {
  const Matrix<T> z = gates[0], r = gates[1], a = gates[2], q = gates[3];
  for_gates<T>(hidden.rows, hidden.columns, [&](Size row, Size s, auto part) {
    Vector<T> sum = part.get(place(a, row, s));
    if (reset_after) sum = part.get(place(r, row, s)) * part.get(place(q, row, s)) + sum;
    const Vector<T> candidate = hyperbolic_tangent<T>(sum), update = part.get(place(z, row, s));
    Vector<T> h = (T(1) - update) * candidate;
    if (previous.data) h = update * part.get(place(previous, row, s)) + h;
    part.put(place(a, row, s), candidate);
    part.put(place(hidden, row, s), h);
  });
}

template <class T> void gru_backward(const Matrix<T>* gates, Matrix<const T> previous, bool reset_after, Matrix<T> dh) {
  const Matrix<T> z = gates[0], r = gates[1], a = gates[2], q = gates[3];
  for_gates<T>(dh.rows, dh.columns, [&](Size row, Size s, auto part) {
    const Vector<T> update = part.get(place(z, row, s)), candidate = part.get(place(a, row, s));
    const Vector<T> d = part.get(place(dh, row, s));
    const Vector<T> before = previous.data ? part.get(place(previous, row, s)) : Vector<T>{};
    const Vector<T> dcandidate = d * (T(1) - update) * (T(1) - candidate * candidate);
    part.put(place(z, row, s), d * (before - candidate) * update * (T(1) - update));
    part.put(place(a, row, s), dcandidate);
    part.put(place(dh, row, s), d * update);
    if (!reset_after) return;
    const Vector<T> reset = part.get(place(r, row, s));
    part.put(place(r, row, s), dcandidate * part.get(place(q, row, s)) * reset * (T(1) - reset));
    part.put(place(q, row, s), dcandidate * reset);
  });
}

template <class T>
void gru_backward_reset(const Matrix<T>* gates, Matrix<const T> previous, Matrix<const T> dproduct, Matrix<T> dh) {
  const Matrix<T> r = gates[1];
  for_gates<T>(dh.rows, dh.columns, [&](Size row, Size s, auto part) {
    const Vector<T> reset = part.get(place(r, row, s)), d = part.get(place(dproduct, row, s));
    const Vector<T> before = previous.data ? part.get(place(previous, row, s)) : Vector<T>{};
    part.put(place(dh, row, s), part.get(place(dh, row, s)) + d * reset);
    part.put(place(r, row, s), d * before * reset * (T(1) - reset));
  });
}
