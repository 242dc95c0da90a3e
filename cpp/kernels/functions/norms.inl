// Normalisation: along the columns of a batch (batch normalisation) and along the rows (layer normalisation).

// Mean and Σ (x − mean)² of every column. The rows are walked for one register of columns at a time.
template <class T> void column_moments(Matrix<const T> x, T* mean, T* deviation) {
  const T share = T(1) / static_cast<T>(x.rows);
  for_vectors<T>(x.columns, [&](Size c, auto part) {
    Vector<T> sum{}, squares{};
    for (Size r = 0; r < x.rows; ++r) sum += part.get(x.data + r * x.stride + c);
    const Vector<T> center = sum * share;
    for (Size r = 0; r < x.rows; ++r) {
      const Vector<T> d = part.get(x.data + r * x.stride + c) - center;
      squares += d * d;
    }
    part.put(mean + c, center);
    part.put(deviation + c, squares);
  });
}

// Σ dy and Σ dy (x − mean) of every column.
template <class T> void column_products(Matrix<const T> dy, Matrix<const T> x, const T* mean, T* sum, T* product) {
  for_vectors<T>(x.columns, [&](Size c, auto part) {
    const Vector<T> center = part.get(mean + c);
    Vector<T> total{}, products{};
    for (Size r = 0; r < x.rows; ++r) {
      const Vector<T> gradient = part.get(dy.data + r * dy.stride + c);
      total += gradient;
      products += gradient * (part.get(x.data + r * x.stride + c) - center);
    }
    part.put(sum + c, total);
    part.put(product + c, products);
  });
}

// y = (x − mean) · factor + shift, column by column.
template <class T>
void normalize_columns(Matrix<const T> x, const T* mean, const T* factor, const T* shift, Matrix<T> y) {
  for (Size r = 0; r < x.rows; ++r)
    for_vectors<T>(x.columns, [&](Size c, auto part) {
      const Vector<T> centered = part.get(x.data + r * x.stride + c) - part.get(mean + c);
      part.put(y.data + r * y.stride + c, centered * part.get(factor + c) + part.get(shift + c));
    });
}

// dx = of_dy · dy + of_x · (x − mean) + constant, column by column.
template <class T>
void blend_columns(Matrix<const T> dy, Matrix<const T> x, const T* mean, const T* of_dy, const T* of_x,
                   const T* constant, Matrix<T> dx) {
  for (Size r = 0; r < x.rows; ++r)
    for_vectors<T>(x.columns, [&](Size c, auto part) {
      const Vector<T> centered = part.get(x.data + r * x.stride + c) - part.get(mean + c);
      part.put(dx.data + r * dx.stride + c, part.get(of_dy + c) * part.get(dy.data + r * dy.stride + c) +
                                                part.get(of_x + c) * centered + part.get(constant + c));
    });
}

// y = γ (x − μ)/σ + β over each row; moments[2r] = μ and moments[2r + 1] = 1/σ for the way back.
template <class T>
void normalize_rows(Matrix<const T> x, const T* gamma, const T* beta, T epsilon, Size ddof, Matrix<T> y, T* moments) {
  const Size columns = x.columns;
  for (Size r = 0; r < x.rows; ++r) {
    const T* in = x.data + r * x.stride;
    T* out = y.data + r * y.stride;
    Vector<T> sum{}, squares{};
    for_vectors<T>(columns, [&](Size c, auto part) { sum += part.get(in + c); });
    const T mean = sum_lanes<T>(sum) / static_cast<T>(columns);
    for_vectors<T>(columns, [&](Size c, auto part) {
      const Vector<T> d = part.active(part.get(in + c) - mean);
      squares += d * d;
    });
    const T variance = sum_lanes<T>(squares) / static_cast<T>(columns - ddof);
    // A variance that the type can't hold makes NaN, not the zeros of a division by infinity.
    const T scale = T(1) / static_cast<T>(__builtin_sqrt(static_cast<double>(variance + epsilon))) + variance * T(0);
    for_vectors<T>(columns, [&](Size c, auto part) {
      part.put(out + c, (part.get(in + c) - mean) * scale * part.get(gamma + c) + part.get(beta + c));
    });
    moments[2 * r] = mean, moments[2 * r + 1] = scale;
  }
}

// dx = (g − mean(g) − x̂ Σ(g x̂)/(M − ddof))/σ with g = dy ∘ γ; adds to dγ and dβ.
template <class T>
void normalize_rows_backward(Matrix<const T> dy, Matrix<const T> x, const T* moments, const T* gamma, Size ddof,
                             Matrix<T> dx, T* dgamma, T* dbeta) {
  const Size columns = x.columns;
  for (Size r = 0; r < x.rows; ++r) {
    const T *in = x.data + r * x.stride, *gradient = dy.data + r * dy.stride;
    const T mean = moments[2 * r], scale = moments[2 * r + 1];
    Vector<T> sum{}, products{};
    for_vectors<T>(columns, [&](Size c, auto part) {
      const Vector<T> d = part.get(gradient + c), normal = (part.get(in + c) - mean) * scale,
                      g = d * part.get(gamma + c);
      sum += g;
      products += g * normal;
      part.put(dgamma + c, part.get(dgamma + c) + d * normal);
      part.put(dbeta + c, part.get(dbeta + c) + d);
    });
    if (!dx.data) continue;
    const T center = sum_lanes<T>(sum) / static_cast<T>(columns);
    const T slope = sum_lanes<T>(products) / static_cast<T>(columns - ddof);
    for_vectors<T>(columns, [&](Size c, auto part) {
      const Vector<T> normal = (part.get(in + c) - mean) * scale, g = part.get(gradient + c) * part.get(gamma + c);
      part.put(dx.data + r * dx.stride + c, (g - center - normal * slope) * scale);
    });
  }
}
