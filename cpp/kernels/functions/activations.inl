// The list of activations: name, formula, value and derivative, each written once. `derivative` takes the output a
// where that is exact enough (from_output), else the input z. At a kink it is the derivative from the left.

struct NoParameter {
  static constexpr const char* parameter = nullptr;
  static constexpr double default_parameter = 0;
};

struct Linear : NoParameter {
  static constexpr const char *name = "linear", *formula = "z";
  static constexpr bool from_output = true;
  template <class T> static Vector<T> value(Vector<T> z, Vector<T>) { return z; }
  template <class T> static Vector<T> derivative(Vector<T>, Vector<T>) { return broadcast<T>(1); }
};

struct Step : NoParameter {
  static constexpr const char *name = "step", *formula = "1 if z >= 0 else -1; derivative 0";
  static constexpr bool from_output = true;
  template <class T> static Vector<T> value(Vector<T> z, Vector<T>) {
    const Vector<T> below = z < T(0) ? broadcast<T>(-1) : z;  // NaN stays NaN
    return z >= T(0) ? broadcast<T>(1) : below;
  }
  template <class T> static Vector<T> derivative(Vector<T>, Vector<T>) { return Vector<T>{}; }
};

struct Sigmoid : NoParameter {
  static constexpr const char *name = "sigmoid", *formula = "1 / (1 + exp(-z))";
  static constexpr bool from_output = true;
  template <class T> static Vector<T> value(Vector<T> z, Vector<T>) { return logistic<T>(z); }
  template <class T> static Vector<T> derivative(Vector<T> a, Vector<T>) { return a * (T(1) - a); }
};

struct Tanh : NoParameter {
  static constexpr const char *name = "tanh", *formula = "(exp(z) - exp(-z)) / (exp(z) + exp(-z))";
  static constexpr bool from_output = true;
  template <class T> static Vector<T> value(Vector<T> z, Vector<T>) { return hyperbolic_tangent<T>(z); }
  template <class T> static Vector<T> derivative(Vector<T> a, Vector<T>) { return T(1) - a * a; }
};

struct Softsign : NoParameter {
  static constexpr const char *name = "softsign", *formula = "z / (1 + |z|)";
  static constexpr bool from_output = false;
  template <class T> static Vector<T> value(Vector<T> z, Vector<T>) { return z / (T(1) + absolute<T>(z)); }
  template <class T> static Vector<T> derivative(Vector<T> z, Vector<T>) {
    const Vector<T> slope = T(1) / (T(1) + absolute<T>(z));
    return slope * slope;
  }
};

struct Relu : NoParameter {
  static constexpr const char *name = "relu", *formula = "max(0, z)";
  static constexpr bool from_output = true;
  template <class T> static Vector<T> value(Vector<T> z, Vector<T>) { return maximum<T>(Vector<T>{}, z); }
  template <class T> static Vector<T> derivative(Vector<T> a, Vector<T>) {
    return a > T(0) ? broadcast<T>(1) : Vector<T>{};
  }
};

struct LeakyRelu {
  static constexpr const char *name = "leaky_relu", *formula = "max(slope z, z), 0 <= slope < 1", *parameter = "slope";
  static constexpr double default_parameter = 0.1;
  static constexpr bool from_output = true;
  template <class T> static Vector<T> value(Vector<T> z, Vector<T> slope) { return maximum<T>(slope * z, z); }
  template <class T> static Vector<T> derivative(Vector<T> a, Vector<T> slope) {
    return a > T(0) ? broadcast<T>(1) : slope;
  }
};

struct Elu {
  static constexpr const char *name = "elu", *formula = "z if z > 0 else alpha (exp(z) - 1)", *parameter = "alpha";
  static constexpr double default_parameter = 1;
  static constexpr bool from_output = true;
  template <class T> static Vector<T> value(Vector<T> z, Vector<T> alpha) {
    return z > T(0) ? z : alpha * exponential_minus_one<T>(minimum<T>(Vector<T>{}, z));
  }
  template <class T> static Vector<T> derivative(Vector<T> a, Vector<T> alpha) {
    return a > T(0) ? broadcast<T>(1) : a + alpha;
  }
};

// Klambauer et al. 2017, with their two constants.
struct Selu : NoParameter {
  static constexpr const char *name = "selu", *formula = "1.0507 (z if z > 0 else 1.6733 (exp(z) - 1))";
  static constexpr bool from_output = true;
  static constexpr double lambda = 1.0507009873554804934193349852946, alpha = 1.6732632423543772848170429916717;
  template <class T> static Vector<T> value(Vector<T> z, Vector<T>) {
    const Vector<T> below = T(lambda * alpha) * exponential_minus_one<T>(minimum<T>(Vector<T>{}, z));
    return z > T(0) ? T(lambda) * z : below;
  }
  template <class T> static Vector<T> derivative(Vector<T> a, Vector<T>) {
    return a > T(0) ? broadcast<T>(T(lambda)) : a + T(lambda * alpha);
  }
};

// z Φ(z) with the exact normal distribution function, not its tanh approximation (Hendrycks & Gimpel 2016).
struct Gelu : NoParameter {
  static constexpr const char *name = "gelu", *formula = "z (1 + erf(z / sqrt(2))) / 2";
  static constexpr bool from_output = false;
  static constexpr double root_half = 0.70710678118654752440, density_peak = 0.39894228040143267794;
  template <class T> static Vector<T> probability(Vector<T> z) {
    return T(0.5) + T(0.5) * error_function<T>(T(root_half) * z);
  }
  template <class T> static Vector<T> value(Vector<T> z, Vector<T>) { return z * probability<T>(z); }
  template <class T> static Vector<T> derivative(Vector<T> z, Vector<T>) {
    return probability<T>(z) + T(density_peak) * z * exponential<T>(T(-0.5) * z * z);
  }
};

struct Silu : NoParameter {
  static constexpr const char *name = "silu", *formula = "z / (1 + exp(-z))";
  static constexpr bool from_output = false;
  template <class T> static Vector<T> value(Vector<T> z, Vector<T>) { return z * logistic<T>(z); }
  template <class T> static Vector<T> derivative(Vector<T> z, Vector<T>) {
    const Vector<T> s = logistic<T>(z);
    return s + z * s * (T(1) - s);
  }
};

struct Softplus : NoParameter {
  static constexpr const char *name = "softplus", *formula = "log(1 + exp(z))";
  static constexpr bool from_output = true;
  template <class T> static Vector<T> value(Vector<T> z, Vector<T>) { return softplus<T>(z); }
  template <class T> static Vector<T> derivative(Vector<T> a, Vector<T>) { return -exponential_minus_one<T>(-a); }
};

// Misra 2019.
struct Mish : NoParameter {
  static constexpr const char *name = "mish", *formula = "z tanh(log(1 + exp(z)))";
  static constexpr bool from_output = false;
  template <class T> static Vector<T> value(Vector<T> z, Vector<T>) { return z * tanh_of_softplus<T>(z); }
  template <class T> static Vector<T> derivative(Vector<T> z, Vector<T>) {
    const Vector<T> t = tanh_of_softplus<T>(z);
    return t + z * logistic<T>(z) * (T(1) - t * t);
  }
};

struct Exponential : NoParameter {
  static constexpr const char *name = "exponential", *formula = "exp(z)";
  static constexpr bool from_output = true;
  template <class T> static Vector<T> value(Vector<T> z, Vector<T>) { return exponential<T>(z); }
  template <class T> static Vector<T> derivative(Vector<T> a, Vector<T>) { return a; }
};

template <class T, class F> void activate(Matrix<const T> z, Matrix<T> a, T parameter) {
  const Vector<T> p = broadcast<T>(parameter);
  for_elements(z, a, [&](auto part, const T* in, T* out) { part.put(out, F::template value<T>(part.get(in), p)); });
}

template <class T, class F>
void activate_backward(Matrix<const T> seen, Matrix<const T> dy, Matrix<T> dz, T parameter) {
  const Vector<T> p = broadcast<T>(parameter);
  for_elements(seen, dy, dz, [&](auto part, const T* s, const T* in, T* out) {
    part.put(out, part.get(in) * F::template derivative<T>(part.get(s), p));
  });
}

template <class T, class F>
constexpr ActivationKernel<T> activation_row{F::name, F::formula,     F::parameter,   F::default_parameter,
                                             true,    F::from_output, activate<T, F>, activate_backward<T, F>};

template <class T>
constexpr ActivationKernel<T> softmax_row{"softmax",  "exp(z_i) / sum_j exp(z_j)", nullptr, 0, false, true,
                                          softmax<T>, softmax_backward<T>};

template <class T>
constexpr ActivationKernel<T> activation_list[] = {
    activation_row<T, Linear>,    activation_row<T, Step>,        activation_row<T, Sigmoid>,
    activation_row<T, Tanh>,      activation_row<T, Relu>,        activation_row<T, Softsign>,
    activation_row<T, LeakyRelu>, activation_row<T, Elu>,         activation_row<T, Selu>,
    activation_row<T, Gelu>,      activation_row<T, Silu>,        activation_row<T, Softplus>,
    activation_row<T, Mish>,      activation_row<T, Exponential>, softmax_row<T>,
};
