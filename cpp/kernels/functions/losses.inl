// The list of costs: name, formula, value and derivative with respect to the output, each written once. The cost of a
// row is the sum over its outputs (the mean where `averaged`). Logarithms see at least the smallest normal number,
// so a saturated output gives a large finite cost, never inf or NaN.

// NaN stays NaN, so that a network gone astray does not have a finite cost.
template <class T> inline Vector<T> at_least_normal(Vector<T> y) {
  return maximum<T>(broadcast<T>(Constants<T>::smallest_normal), y);
}
template <class T> inline Vector<T> safe_log(Vector<T> y) { return natural_log<T>(at_least_normal<T>(y)); }
template <class T> inline Vector<T> safe_quotient(Vector<T> t, Vector<T> y) { return t / at_least_normal<T>(y); }

struct SummedLoss : NoParameter {
  static constexpr bool averaged = false;
  static constexpr const char* fused_activation = nullptr;
};

struct HalfSquaredError : SummedLoss {
  static constexpr const char *name = "half_squared_error", *formula = "1/2 sum_i (t_i - y_i)^2";
  template <class T> static Vector<T> value(Vector<T> y, Vector<T> t, Vector<T>) { return T(0.5) * (y - t) * (y - t); }
  template <class T> static Vector<T> derivative(Vector<T> y, Vector<T> t, Vector<T>) { return y - t; }
};

struct SquaredError : SummedLoss {
  static constexpr const char *name = "squared_error", *formula = "mean_i (t_i - y_i)^2";
  static constexpr bool averaged = true;
  template <class T> static Vector<T> value(Vector<T> y, Vector<T> t, Vector<T>) { return (y - t) * (y - t); }
  template <class T> static Vector<T> derivative(Vector<T> y, Vector<T> t, Vector<T>) { return T(2) * (y - t); }
};

struct AbsoluteError : SummedLoss {
  static constexpr const char *name = "absolute_error", *formula = "sum_i |t_i - y_i|";
  template <class T> static Vector<T> value(Vector<T> y, Vector<T> t, Vector<T>) { return absolute<T>(y - t); }
  template <class T> static Vector<T> derivative(Vector<T> y, Vector<T> t, Vector<T>) {
    const Vector<T> below = y < t ? broadcast<T>(-1) : Vector<T>{};
    return y > t ? broadcast<T>(1) : below;
  }
};

struct Huber : SummedLoss {
  static constexpr const char *name = "huber", *parameter = "delta",
                              *formula = "sum_i e^2/2 if |e| <= delta else delta (|e| - delta/2), e = y_i - t_i";
  static constexpr double default_parameter = 1;
  template <class T> static Vector<T> value(Vector<T> y, Vector<T> t, Vector<T> delta) {
    const Vector<T> error = absolute<T>(y - t);
    return error <= delta ? T(0.5) * error * error : delta * (error - T(0.5) * delta);
  }
  template <class T> static Vector<T> derivative(Vector<T> y, Vector<T> t, Vector<T> delta) {
    return minimum<T>(maximum<T>(y - t, -delta), delta);
  }
};

struct Quantile : SummedLoss {
  static constexpr const char *name = "quantile", *parameter = "quantile",
                              *formula = "sum_i max(q e, (q - 1) e), e = t_i - y_i";
  static constexpr double default_parameter = 0.5;
  template <class T> static Vector<T> value(Vector<T> y, Vector<T> t, Vector<T> q) {
    return maximum<T>(q * (t - y), (q - T(1)) * (t - y));
  }
  template <class T> static Vector<T> derivative(Vector<T> y, Vector<T> t, Vector<T> q) {
    const Vector<T> below = y < t ? -q : Vector<T>{};
    return y > t ? T(1) - q : below;
  }
};

// Fused with exp outputs the rate is never zero: cost = exp(z) − t z.
struct Poisson : SummedLoss {
  static constexpr const char *name = "poisson", *formula = "sum_i y_i - t_i log y_i",
                              *fused_activation = "exponential";
  template <class T> static Vector<T> value(Vector<T> y, Vector<T> t, Vector<T>) { return y - t * safe_log<T>(y); }
  template <class T> static Vector<T> derivative(Vector<T> y, Vector<T> t, Vector<T>) {
    return T(1) - safe_quotient<T>(t, y);
  }
};
struct PoissonOfExponential : Poisson {
  template <class T> static Vector<T> value(Vector<T> z, Vector<T> t, Vector<T>) { return exponential<T>(z) - t * z; }
  template <class T> static Vector<T> derivative(Vector<T> z, Vector<T> t, Vector<T>) { return exponential<T>(z) - t; }
};

struct CrossEntropy : SummedLoss {
  static constexpr const char *name = "cross_entropy", *formula = "-sum_i t_i log y_i", *fused_activation = "softmax";
  template <class T> static Vector<T> value(Vector<T> y, Vector<T> t, Vector<T>) { return -t * safe_log<T>(y); }
  template <class T> static Vector<T> derivative(Vector<T> y, Vector<T> t, Vector<T>) {
    return -safe_quotient<T>(t, y);
  }
};

struct KullbackLeibler : SummedLoss {
  static constexpr const char *name = "kullback_leibler", *formula = "sum_i t_i log(t_i / y_i)",
                              *fused_activation = "softmax";
  template <class T> static Vector<T> value(Vector<T> y, Vector<T> t, Vector<T>) {
    return t * (safe_log<T>(t) - safe_log<T>(y));
  }
  template <class T> static Vector<T> derivative(Vector<T> y, Vector<T> t, Vector<T>) {
    return -safe_quotient<T>(t, y);
  }
};

struct BinaryCrossEntropy : SummedLoss {
  static constexpr const char *name = "binary_cross_entropy", *fused_activation = "sigmoid",
                              *formula = "-sum_i t_i log y_i + (1 - t_i) log(1 - y_i)";
  template <class T> static Vector<T> value(Vector<T> y, Vector<T> t, Vector<T>) {
    return -(t * safe_log<T>(y) + (T(1) - t) * safe_log<T>(T(1) - y));
  }
  template <class T> static Vector<T> derivative(Vector<T> y, Vector<T> t, Vector<T>) {
    return safe_quotient<T>(T(1) - t, T(1) - y) - safe_quotient<T>(t, y);
  }
};
struct BinaryCrossEntropyOfSigmoid : BinaryCrossEntropy {
  template <class T> static Vector<T> value(Vector<T> z, Vector<T> t, Vector<T>) { return softplus<T>(z) - t * z; }
  template <class T> static Vector<T> derivative(Vector<T> z, Vector<T> t, Vector<T>) { return logistic<T>(z) - t; }
};

// Powers and logarithms of y = 1/(1 + e^-z) are those of softplus: log y = -softplus(-z), log(1 - y) = -softplus(z).
struct Focal : SummedLoss {
  static constexpr const char *name = "focal", *parameter = "gamma", *fused_activation = "sigmoid",
                              *formula = "-sum_i t_i (1 - y_i)^gamma log y_i + (1 - t_i) y_i^gamma log(1 - y_i)";
  static constexpr double default_parameter = 2;
  template <class T> static Vector<T> value(Vector<T> y, Vector<T> t, Vector<T> gamma) {
    const Vector<T> log_y = safe_log<T>(y), log_rest = safe_log<T>(T(1) - y);
    return -(t * exponential<T>(gamma * log_rest) * log_y + (T(1) - t) * exponential<T>(gamma * log_y) * log_rest);
  }
  template <class T> static Vector<T> derivative(Vector<T> y, Vector<T> t, Vector<T> gamma) {
    const Vector<T> log_y = safe_log<T>(y), log_rest = safe_log<T>(T(1) - y), less = gamma - T(1);
    const Vector<T> own =
        gamma * exponential<T>(less * log_rest) * log_y - exponential<T>(gamma * log_rest) / at_least_normal<T>(y);
    const Vector<T> other =
        exponential<T>(gamma * log_y) / at_least_normal<T>(T(1) - y) - gamma * exponential<T>(less * log_y) * log_rest;
    return t * own + (T(1) - t) * other;
  }
};
struct FocalOfSigmoid : Focal {
  template <class T> static Vector<T> value(Vector<T> z, Vector<T> t, Vector<T> gamma) {
    const Vector<T> up = softplus<T>(z), down = softplus<T>(-z);
    return t * exponential<T>(-gamma * up) * down + (T(1) - t) * exponential<T>(-gamma * down) * up;
  }
  template <class T> static Vector<T> derivative(Vector<T> z, Vector<T> t, Vector<T> gamma) {
    const Vector<T> up = softplus<T>(z), down = softplus<T>(-z), y = logistic<T>(z), rest = logistic<T>(-z);
    const Vector<T> own = -exponential<T>(-gamma * up) * (gamma * y * down + rest);
    const Vector<T> other = exponential<T>(-gamma * down) * (gamma * rest * up + y);
    return t * own + (T(1) - t) * other;
  }
};

struct Hinge : SummedLoss {
  static constexpr const char *name = "hinge", *formula = "sum_i max(0, 1 - t_i y_i), t_i = -1 or 1";
  template <class T> static Vector<T> value(Vector<T> y, Vector<T> t, Vector<T>) {
    return maximum<T>(Vector<T>{}, T(1) - t * y);
  }
  template <class T> static Vector<T> derivative(Vector<T> y, Vector<T> t, Vector<T>) {
    return t * y < T(1) ? -t : Vector<T>{};
  }
};

// Rosenblatt's rule: an update on wrong samples only, where the undecided output 0 counts as wrong, or learning could
// not leave zero weights. Behind a step output it sees φ itself, since the step has no slope to pass back.
struct Perceptron : SummedLoss {
  static constexpr const char *name = "perceptron", *formula = "sum_i max(0, -t_i y_i), t_i = -1 or 1",
                              *fused_activation = "step";
  template <class T> static Vector<T> value(Vector<T> y, Vector<T> t, Vector<T>) {
    return maximum<T>(Vector<T>{}, -t * y);
  }
  template <class T> static Vector<T> derivative(Vector<T> y, Vector<T> t, Vector<T>) {
    return t * y <= T(0) ? -t : Vector<T>{};
  }
};

// Samples as columns: each lane sums up the cost of its own.
template <class T, class F> void elementwise_loss_columns(const LossCall<T>& call) {
  const Vector<T> p = broadcast<T>(call.parameter);
  const T share = F::averaged ? T(1) / T(call.y.rows) : T(1);
  for_vectors<T>(call.y.columns, [&](Size s, auto part) {
    const Vector<T> scale = broadcast<T>(call.scale * share);
    const Vector<T> weight = call.weight ? part.get(call.weight + s) * scale : scale;
    Vector<T> total{};
    for (Size i = 0; i < call.y.rows; ++i) {
      const Vector<T> output = part.get(call.y.data + i * call.y.stride + s);
      const Vector<T> target = part.get(call.target.data + i * call.target.stride + s);
      total += F::template value<T>(output, target, p);
      if (call.dy.data)
        part.put(call.dy.data + i * call.dy.stride + s, F::template derivative<T>(output, target, p) * weight);
    }
    part.put(call.cost + s, total * share);
  });
}

template <class T> inline Matrix<T> as_one_row(Matrix<T> column) { return {column.data, 1, column.rows, column.rows}; }

template <class T, class F> void elementwise_loss(const LossCall<T>& call) {
  const Size columns = call.y.columns;
  if (columns == 1 && call.y.stride == 1 && call.target.stride == 1 && call.dy.stride <= 1)
    return elementwise_loss_columns<T, F>({as_one_row(call.y), as_one_row(call.target), call.weight, call.scale,
                                           call.parameter, as_one_row(call.dy), call.cost});
  const Vector<T> p = broadcast<T>(call.parameter);
  const T share = F::averaged ? T(1) / T(columns) : T(1);
  for (Size r = 0; r < call.y.rows; ++r) {
    const T *y = call.y.data + r * call.y.stride, *t = call.target.data + r * call.target.stride;
    T* dy = call.dy.data ? call.dy.data + r * call.dy.stride : nullptr;
    const T weight = (call.weight ? call.weight[r] : T(1)) * call.scale * share;
    Vector<T> total{};
    for_vectors<T>(columns, [&](Size i, auto part) {
      const Vector<T> output = part.get(y + i), target = part.get(t + i);
      total += part.active(F::template value<T>(output, target, p));
      if (dy) part.put(dy + i, F::template derivative<T>(output, target, p) * weight);
    });
    call.cost[r] = sum_lanes<T>(total) * share;
  }
}

// The cross-entropy of softmax(z), less that of the targets with themselves.
template <class T> void softmax_kullback_leibler(const LossCall<T>& call) {
  softmax_cross_entropy<T>(call);
  for (Size r = 0; r < call.target.rows; ++r) {
    Vector<T> total{};
    for_vectors<T>(call.target.columns, [&](Size i, auto part) {
      const Vector<T> t = part.get(call.target.data + r * call.target.stride + i);
      total += part.active(t * safe_log<T>(t));
    });
    call.cost[r] += sum_lanes<T>(total);
  }
}
template <class T> void softmax_kullback_leibler_columns(const LossCall<T>& call) {
  softmax_cross_entropy_columns<T>(call);
  for_vectors<T>(call.target.columns, [&](Size s, auto part) {
    Vector<T> total = part.get(call.cost + s);
    for (Size c = 0; c < call.target.rows; ++c) {
      const Vector<T> t = part.get(call.target.data + c * call.target.stride + s);
      total += t * safe_log<T>(t);
    }
    part.put(call.cost + s, total);
  });
}

template <class T, class Plain>
constexpr LossKernel<T> loss_row{Plain::name,      Plain::formula,
                                 Plain::parameter, Plain::default_parameter,
                                 nullptr,          elementwise_loss<T, Plain>,
                                 nullptr,          elementwise_loss_columns<T, Plain>,
                                 nullptr};

// With a form that works on the logits of the output activation it names.
template <class T, class Plain, void (*Fused)(const LossCall<T>&), void (*FusedColumns)(const LossCall<T>&)>
constexpr LossKernel<T> paired_loss_row{Plain::name,
                                        Plain::formula,
                                        Plain::parameter,
                                        Plain::default_parameter,
                                        Plain::fused_activation,
                                        elementwise_loss<T, Plain>,
                                        Fused,
                                        elementwise_loss_columns<T, Plain>,
                                        FusedColumns};

template <class T, class Plain, class OfLogits>
constexpr LossKernel<T> elementwise_pair =
    paired_loss_row<T, Plain, elementwise_loss<T, OfLogits>, elementwise_loss_columns<T, OfLogits>>;

template <class T>
constexpr LossKernel<T> loss_list[] = {
    loss_row<T, HalfSquaredError>,
    loss_row<T, SquaredError>,
    loss_row<T, AbsoluteError>,
    loss_row<T, Huber>,
    loss_row<T, Quantile>,
    elementwise_pair<T, Poisson, PoissonOfExponential>,
    paired_loss_row<T, CrossEntropy, softmax_cross_entropy<T>, softmax_cross_entropy_columns<T>>,
    paired_loss_row<T, KullbackLeibler, softmax_kullback_leibler<T>, softmax_kullback_leibler_columns<T>>,
    elementwise_pair<T, BinaryCrossEntropy, BinaryCrossEntropyOfSigmoid>,
    elementwise_pair<T, Focal, FocalOfSigmoid>,
    loss_row<T, Hinge>,
    elementwise_pair<T, Perceptron, Perceptron>,
};
