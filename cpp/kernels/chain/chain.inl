// A whole turn of a small network: its layers are so small that calls and memory between them would cost more than the
// arithmetic. Samples are rows and the lanes of a register are units, but for a narrow last layer.

template <class T, class Source>
inline void bring_rows(const Source* source, Size stride, const ChainBatch<T>& batch, const Matrix<T>& x) {
  const Size rows = x.rows, first = batch.first;
  const Size* order = batch.order;
  for (Size i = 0; i < x.columns; i += width<T>) {
    const Size count = x.columns - i < width<T> ? x.columns - i : width<T>;
    T* out = x.data + i;
    const Size out_stride = x.stride;
    for (Size r = 0; r < rows; ++r, out += out_stride) {
      const Source* row = source + (order ? order[first + r] : first + r) * stride;
      store(out, load_converted<T>(row + i, count));
    }
  }
}

template <class T> inline void bring_inputs(const ChainPlan<T>& plan, const ChainBatch<T>& batch) {
  const Rows& x = batch.samples.x;
  if (x.scalar == Scalar::float32) bring_rows(static_cast<const float*>(x.data), x.stride, batch, plan.x);
  else bring_rows(static_cast<const double*>(x.data), x.stride, batch, plan.x);
}

// The number of unit c for sample s comes to targets[c · per_unit + s · per_sample], and `all` is how many there are.
template <class T>
inline void bring_targets(const ChainPlan<T>& plan, const ChainBatch<T>& batch, Size units, Size per_unit,
                          Size per_sample, Size all) {
  const Samples<T>& samples = batch.samples;
  const Size count = plan.x.rows;
  const auto sample = [&](Size s) { return batch.order ? batch.order[batch.first + s] : batch.first + s; };
  const auto bring = [&](auto source) {
    for (Size s = 0; s < count; ++s) {
      const auto* row = source + sample(s) * samples.targets.stride;
      for (Size c = 0; c < units; ++c) plan.targets[c * per_unit + s * per_sample] = static_cast<T>(row[c]);
    }
  };
  if (samples.classes) {
    const Vector<T> off = broadcast<T>(samples.off);
    for (Size i = 0; i < all; i += width<T>) store<T>(plan.targets + i, off);
    for (Size s = 0; s < count; ++s) plan.targets[samples.classes[sample(s)] * per_unit + s * per_sample] = samples.on;
  } else if (samples.targets.scalar == Scalar::float32) {
    bring(static_cast<const float*>(samples.targets.data));
  } else {
    bring(static_cast<const double*>(samples.targets.data));
  }
  for (Size s = 0; samples.weights && s < count; ++s) plan.weights[s] = samples.weights[sample(s)];
}

template <class T> inline Vector<double> load_as_double(const T* source) {
  typedef T Numbers __attribute__((vector_size(width<double> * sizeof(T))));
  Numbers numbers;
  __builtin_memcpy(&numbers, source, sizeof numbers);
  return __builtin_convertvector(numbers, Vector<double>);
}

template <class T> inline double sum_of_costs(const LossCall<T>& loss, Size count) {
  const T *cost = loss.cost, *weight = loss.weight;
  Vector<double> sum{};
  Size s = 0;
  for (; s + width<double> <= count; s += width<double>)
    sum += weight ? load_as_double(cost + s) * load_as_double(weight + s) : load_as_double(cost + s);
  double rest = 0;
  for (; s < count; ++s) rest += static_cast<double>(cost[s]) * (weight ? static_cast<double>(weight[s]) : 1.0);
  return count < width<double> ? rest : sum_lanes<double>(sum) + rest;
}

// body(number of units), which the compiler knows.
template <class Body> inline void for_narrow(Size units, Body body) {
  if (units == 1) body(Constant<1>{});
  else if (units == 2) body(Constant<2>{});
  else if (units == 3) body(Constant<3>{});
  else body(Constant<4>{});
}

// C = A·B + bias, where A's depth lies along its rows or across them.
template <class T, Lie lie>
inline void chain_product(GemmShape shape, const T* a, Size a_stride, const T* b, Size b_stride, const T* bias, T* c,
                          Size c_stride) {
  GemmOperands<T> o{a, 1, 1, b, b_stride, c, c_stride, shape.depth, zeros<T>, 0, 0};
  (lie == Lie::rows ? o.a_row : o.a_column) = a_stride;
  if (bias) o.start = bias, o.start_panel = width<T>;
  gemm_columns<T, lie>(o, nullptr, shape.rows, 0, shape.columns);
}

template <class T> inline void wide_forward(const ChainLayer<T>& layer) {
  const Matrix<const T>&x = layer.x, &w = layer.weight;
  if (x.rows == 1) return vector_matrix<T>(x.data, w, layer.bias, layer.z);
  chain_product<T, Lie::rows>({x.rows, w.columns, w.rows}, x.data, x.stride, w.data, w.stride, layer.bias, layer.z,
                              layer.stride);
}

template <class T> inline void wide_gradient(const ChainLayer<T>& layer) {
  const Matrix<const T>&x = layer.x, &w = layer.weight;
  if (x.rows == 1) outer_product<T>(x.data, w.rows, layer.delta, w.columns, layer.weight_gradient, false);
  else
    chain_product<T, Lie::columns>({w.rows, w.columns, x.rows}, x.data, x.stride, layer.delta, layer.stride, nullptr,
                                   layer.weight_gradient, w.columns);
  for (Size c = 0; layer.bias && c < w.columns; c += width<T>) {
    Vector<T> even{}, odd{};
    Size s = 0;
    const T* row = layer.delta + c;
    for (; s + 2 <= x.rows; s += 2, row += 2 * layer.stride) even += load(row), odd += load(row + layer.stride);
    if (s < x.rows) even += load(row);
    store<T>(layer.bias_gradient + c, even + odd);  // up to its cache line's end
  }
}

template <class T> inline void wide_backward(const ChainLayer<T>& layer) {
  const Matrix<T>& dx = layer.dx;
  const Size units = layer.weight.columns;
  if (dx.rows == 1) return row_products_of<T, 1>(layer.weight, {layer.delta, 1, units, layer.stride}, dx.data, false);
  transpose<T>(layer.weight, layer.transposed, dx.stride);
  chain_product<T, Lie::rows>({dx.rows, dx.columns, units}, layer.delta, layer.stride, layer.transposed, dx.stride,
                              nullptr, dx.data, dx.stride);
}

template <class T> inline void chain_activate(const ChainLayer<T>& layer) {
  if (layer.activation) layer.activation->forward(layer.all_z, layer.all_a, layer.parameter);
}
template <class T> inline void chain_slope(const ChainLayer<T>& layer) {
  if (layer.activation) layer.activation->backward(layer.all_seen, layer.all_da, layer.all_delta, layer.parameter);
}

template <class T> inline void narrow_turn_forward(const ChainLayer<T>& layer) {
  for_narrow(layer.weight.columns, [&](auto units) {
    narrow_transpose<T, units>(layer);
    narrow_forward<T, units>(layer);
  });
}

template <class T> inline void narrow_turn_backward(const ChainLayer<T>& layer) {
  for_narrow(layer.weight.columns, [&](auto units) {
    if (layer.dx.data) narrow_backward<T, units>(layer);
    narrow_gradient<T, units>(layer);
  });
}

template <class T> double train_chain(ChainPlan<T>& plan, const ChainBatch<T>& batch, T scale) {
  const Size end = plan.count - 1, rows = plan.x.rows;
  const ChainLayer<T>& last = plan.layers[end];
  const Size units = last.weight.columns;
  const bool narrow = units <= narrow_units;
  bring_inputs(plan, batch);
  for (Size l = 0; l < end; ++l) wide_forward(plan.layers[l]), chain_activate(plan.layers[l]);
  narrow ? narrow_turn_forward(last) : wide_forward(last);
  chain_activate(last);
  if (narrow) bring_targets(plan, batch, units, last.stride, 1, units * last.stride);
  else bring_targets(plan, batch, units, 1, last.stride, rows * last.stride);
  plan.loss.weight = batch.samples.weights ? plan.weights : nullptr;
  plan.loss.scale = scale;
  plan.run_loss(plan.loss);
  for (Size l = end; l >= 0; --l) {
    const ChainLayer<T>& layer = plan.layers[l];
    chain_slope(layer);
    if (l == end && narrow) {
      narrow_turn_backward(layer);
      continue;
    }
    if (layer.dx.data) wide_backward(layer);
    wide_gradient(layer);
  }
  return sum_of_costs(plan.loss, rows);
}
