// A whole turn of a small network: its layers are so small that calls and memory between them would cost more than the
// arithmetic. Samples are rows and the lanes of a register are units, but for a narrow last layer.

template <class T, class Source>
inline void bring_rows(const Source* source, Size stride, const Size* order, Size first, Matrix<T> x) {
  for (Size r = 0; r < x.rows; ++r) {
    const Source* row = source + (order ? order[first + r] : first + r) * stride;
    for (Size i = 0; i < x.columns; i += width<T>)
      store(x.data + r * x.stride + i,
            load_converted<T>(row + i, x.columns - i < width<T> ? x.columns - i : width<T>));
  }
}

template <class T> inline void bring_inputs(const ChainCall<T>& call, Size columns, Size stride) {
  const Rows& x = call.samples->x;
  const Matrix<T> to{call.x, call.rows, columns, stride};
  if (x.scalar == Scalar::float32) bring_rows(static_cast<const float*>(x.data), x.stride, call.order, call.first, to);
  else bring_rows(static_cast<const double*>(x.data), x.stride, call.order, call.first, to);
}

// Element c of sample s comes to c · per_unit + s · per_sample.
template <class T>
inline void bring_targets(const ChainCall<T>& call, Size units, Size per_unit, Size per_sample) {
  const Samples<T>& samples = *call.samples;
  const auto sample = [&](Size s) { return call.order ? call.order[call.first + s] : call.first + s; };
  const auto bring = [&](auto source) {
    for (Size s = 0; s < call.rows; ++s) {
      const auto* row = source + sample(s) * samples.targets.stride;
      for (Size c = 0; c < units; ++c) call.targets[c * per_unit + s * per_sample] = static_cast<T>(row[c]);
    }
  };
  if (samples.classes) {
    const Vector<T> off = broadcast<T>(samples.off);
    const Size all = per_sample == 1 ? units * per_unit : call.rows * per_sample;
    for (Size i = 0; i < all; i += width<T>) store<T>(call.targets + i, off);
    for (Size s = 0; s < call.rows; ++s)
      call.targets[samples.classes[sample(s)] * per_unit + s * per_sample] = samples.on;
  } else if (samples.targets.scalar == Scalar::float32) {
    bring(static_cast<const float*>(samples.targets.data));
  } else {
    bring(static_cast<const double*>(samples.targets.data));
  }
  for (Size s = 0; samples.weights && s < call.rows; ++s) call.weights[s] = samples.weights[sample(s)];
}

template <class T> inline double sum_of_costs(const ChainCall<T>& call) {
  const T* weights = call.samples->weights ? call.weights : nullptr;
  double sums[4] = {};
  for (Size r = 0; r < call.rows; ++r)
    sums[r % 4] += static_cast<double>(call.costs[r]) * (weights ? static_cast<double>(weights[r]) : 1.0);
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

// body(number of units), which the compiler knows.
template <class Body> inline void for_narrow(Size units, Body body) {
  if (units == 1) body(Constant<1>{});
  else if (units == 2) body(Constant<2>{});
  else if (units == 3) body(Constant<3>{});
  else body(Constant<4>{});
}

template <class T> inline void wide_forward(const ChainLayer<T>& layer, Matrix<const T> x) {
  if (x.rows == 1)
    return vector_matrix<T>(x.data, {layer.weight, layer.in, layer.units, layer.units}, layer.bias, layer.z);
  gemm<T>({x.rows, layer.units, layer.in}, x.data, x.stride, 1, layer.weight, layer.units, {layer.bias, nullptr},
          layer.z, layer.stride, false);
}

template <class T> inline void wide_gradient(const ChainLayer<T>& layer, Matrix<const T> x) {
  if (x.rows == 1) outer_product<T>(x.data, layer.in, layer.delta, layer.units, layer.weight_gradient, false);
  else
    gemm<T>({layer.in, layer.units, x.rows}, x.data, 1, x.stride, layer.delta, layer.stride, {}, layer.weight_gradient,
            layer.units, false);
  if (layer.bias)
    column_sum<T>({layer.delta, x.rows, layer.units, layer.stride}, layer.bias_gradient, false);
}

template <class T> inline void wide_backward(const ChainLayer<T>& layer, Matrix<T> dx) {
  const Matrix<const T> w{layer.weight, layer.in, layer.units, layer.units};
  if (dx.rows == 1) return row_products_of<T, 1>(w, {layer.delta, 1, layer.units, layer.stride}, dx.data, false);
  transpose<T>(w, layer.transposed, layer.in_stride);
  gemm<T>({dx.rows, layer.in, layer.units}, layer.delta, layer.stride, 1, layer.transposed, layer.in_stride, {},
          dx.data, dx.stride, false);
}

template <class T> double train_chain(const ChainCall<T>& call) {
  const Size last = call.count - 1, rows = call.rows;
  const ChainLayer<T>* layers = call.layers;
  const bool narrow = layers[last].units <= narrow_units;
  const auto input = [&](Size l) {
    return Matrix<const T>{l > 0 ? layers[l - 1].a : call.x, rows, layers[l].in, layers[l].in_stride};
  };
  const auto activate_layer = [&](const ChainLayer<T>& layer, Size r, Size columns) {
    if (layer.activation)
      layer.activation->forward({layer.z, r, columns, columns}, {layer.a, r, columns, columns}, layer.parameter);
  };
  const auto slope_layer = [&](const ChainLayer<T>& layer, Size r, Size columns) {
    if (!layer.activation) return;
    const T* seen = layer.activation->from_output ? layer.a : layer.z;
    layer.activation->backward({seen, r, columns, columns}, {layer.delta, r, columns, columns},
                               {layer.delta, r, columns, columns}, layer.parameter);
  };
  const ChainLayer<T>& output = layers[last];
  const Size across = call.row_stride;

  bring_inputs(call, layers[0].in, layers[0].in_stride);
  for (Size l = 0; l < last + (narrow ? 0 : 1); ++l) {
    wide_forward(layers[l], input(l));
    activate_layer(layers[l], rows, layers[l].stride);
  }
  LossCall<T> loss{{output.a, rows, output.units, output.stride},
                   {call.targets, rows, output.units, output.stride},
                   call.samples->weights ? call.weights : nullptr,
                   call.scale,
                   call.loss_parameter,
                   {output.delta, rows, output.units, output.stride},
                   call.costs};
  if (narrow) {
    for_narrow(output.units, [&](auto units) {
      narrow_transpose<T, units>(output.weight, output.in, output.transposed, output.in_stride);
      narrow_forward<T, units>(input(last), output.transposed, output.bias, output.z, across);
    });
    activate_layer(output, output.units, across);
    bring_targets(call, output.units, across, 1);
    loss.y = {output.a, output.units, across, across};
    loss.target = {call.targets, output.units, across, across};
    loss.dy = {output.delta, output.units, across, across};
  } else {
    bring_targets(call, output.units, 1, output.stride);
  }
  call.loss(loss);
  const double cost = sum_of_costs(call);
  const auto dx = [&](Size l) { return Matrix<T>{layers[l - 1].delta, rows, layers[l].in, layers[l].in_stride}; };
  if (narrow) {
    slope_layer(output, output.units, across);
    for_narrow(output.units, [&](auto units) {
      narrow_gradient<T, units>(input(last), output.delta, across, output.weight_gradient,
                                output.bias ? output.bias_gradient : nullptr);
      if (last > 0) narrow_backward<T, units>(output.delta, across, output.transposed, dx(last));
    });
  }
  for (Size l = last - (narrow ? 1 : 0); l >= 0; --l) {
    slope_layer(layers[l], rows, layers[l].stride);
    wide_gradient(layers[l], input(l));
    if (l > 0) wide_backward(layers[l], dx(l));
  }
  return cost;
}
