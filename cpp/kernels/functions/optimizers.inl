// The list of optimisers: name, formula, what is fixed during one update, and the update of one number. The defaults of
// the hyper-parameters and the state agree with PyTorch's; g is the gradient, lr the learning rate.
//
// `prepare` turns hyper-parameters, rate and step number into scalars, in double precision; `update` sees the
// scalars as registers s[0], s[1], … and changes the weight and its slots.

// What happens once per update: bias corrections and the like. `carried` survives from update to update.
struct Preparation {
  const double* hyper;
  double rate;
  Size step;
  double* carried;
};

inline double power(double base, Size exponent) {
  constexpr Size vanished = 1 << 30;  // any decay below 1 is long gone by then
  return __builtin_powi(base, static_cast<int>(exponent < vanished ? exponent : vanished));
}

struct Sgd {
  static constexpr const char *name = "sgd", *formula = "w -= lr g", *hyperparameters = "";
  static constexpr int slots = 0;
  static void prepare(const Preparation& p, double* s) { s[0] = p.rate; }
  template <class T> static void update(Vector<T>& w, Vector<T> g, Vector<T>*, const Vector<T>* s) { w -= s[0] * g; }
};

struct Momentum {
  static constexpr const char *name = "momentum", *formula = "d = momentum d - lr g; w += d",
                              *hyperparameters = "momentum";
  static constexpr int slots = 1;
  static void prepare(const Preparation& p, double* s) { s[0] = p.rate, s[1] = p.hyper[0]; }
  template <class T> static void update(Vector<T>& w, Vector<T> g, Vector<T>* slot, const Vector<T>* s) {
    slot[0] = s[1] * slot[0] - s[0] * g;
    w += slot[0];
  }
};

// Nesterov's accelerated gradient with the gradient taken at the present weights (Sutskever et al. 2013).
struct Nesterov : Momentum {
  static constexpr const char *name = "nesterov", *formula = "d = momentum d - lr g; w += momentum d - lr g";
  template <class T> static void update(Vector<T>& w, Vector<T> g, Vector<T>* slot, const Vector<T>* s) {
    slot[0] = s[1] * slot[0] - s[0] * g;
    w += s[1] * slot[0] - s[0] * g;
  }
};

struct Adagrad {
  static constexpr const char *name = "adagrad", *formula = "v += g^2; w -= lr g / (sqrt(v) + epsilon)",
                              *hyperparameters = "epsilon";
  static constexpr int slots = 1;
  static void prepare(const Preparation& p, double* s) { s[0] = p.rate, s[1] = p.hyper[0]; }
  template <class T> static void update(Vector<T>& w, Vector<T> g, Vector<T>* slot, const Vector<T>* s) {
    slot[0] += g * g;
    w -= s[0] * g / (square_root<T>(slot[0]) + s[1]);
  }
};

struct Adadelta {
  static constexpr const char *name = "adadelta", *hyperparameters = "rho epsilon",
                              *formula =
                                  "v = rho v + (1-rho) g^2; d = g sqrt(u + epsilon) / sqrt(v + epsilon); "
                                  "u = rho u + (1-rho) d^2; w -= lr d";
  static constexpr int slots = 2;
  static void prepare(const Preparation& p, double* s) {
    s[0] = p.rate, s[1] = p.hyper[0], s[2] = 1 - p.hyper[0], s[3] = p.hyper[1];
  }
  template <class T> static void update(Vector<T>& w, Vector<T> g, Vector<T>* slot, const Vector<T>* s) {
    slot[0] = s[1] * slot[0] + s[2] * g * g;
    const Vector<T> d = g * square_root<T>(slot[1] + s[3]) / square_root<T>(slot[0] + s[3]);
    slot[1] = s[1] * slot[1] + s[2] * d * d;
    w -= s[0] * d;
  }
};

struct RmsProp {
  static constexpr const char *name = "rmsprop", *hyperparameters = "rho epsilon",
                              *formula = "v = rho v + (1-rho) g^2; w -= lr g / (sqrt(v) + epsilon)";
  static constexpr int slots = 1;
  static void prepare(const Preparation& p, double* s) {
    s[0] = p.rate, s[1] = p.hyper[0], s[2] = 1 - p.hyper[0], s[3] = p.hyper[1];
  }
  template <class T> static void update(Vector<T>& w, Vector<T> g, Vector<T>* slot, const Vector<T>* s) {
    slot[0] = s[1] * slot[0] + s[2] * g * g;
    w -= s[0] * g / (square_root<T>(slot[0]) + s[3]);
  }
};

// The correction of v is folded into the rate: lr m̂ / (√v̂ + ε) = (lr/(1-β₁ᵗ)) m / (√v/√(1-β₂ᵗ) + ε). The paper's
// other form has its ε̂ beside √v instead, and so divided by √(1-β₂ᵗ) here.
struct Adam {
  static constexpr const char *name = "adam", *hyperparameters = "beta1 beta2 epsilon epsilon_hat",
                              *formula =
                                  "m = beta1 m + (1-beta1) g; v = beta2 v + (1-beta2) g^2; "
                                  "w -= lr m/(1-beta1^t) / (sqrt(v/(1-beta2^t)) + epsilon)";
  static constexpr int slots = 2;
  static void prepare(const Preparation& p, double* s) { prepare(p, s, p.hyper[3] != 0); }
  static void prepare(const Preparation& p, double* s, bool epsilon_hat) {
    s[0] = p.rate / (1 - power(p.hyper[0], p.step));
    s[1] = p.hyper[0], s[2] = 1 - p.hyper[0], s[3] = p.hyper[1], s[4] = 1 - p.hyper[1];
    s[6] = 1 / __builtin_sqrt(1 - power(p.hyper[1], p.step));
    s[5] = p.hyper[2] * (epsilon_hat ? s[6] : 1);
  }
  template <class T> static void update(Vector<T>& w, Vector<T> g, Vector<T>* slot, const Vector<T>* s) {
    slot[0] = s[1] * slot[0] + s[2] * g;
    slot[1] = s[3] * slot[1] + s[4] * g * g;
    w -= s[0] * slot[0] / (square_root<T>(slot[1]) * s[6] + s[5]);
  }
};

// Weight decay beside the gradient, not inside it (Loshchilov & Hutter 2019).
struct AdamW : Adam {
  static constexpr const char *name = "adamw", *hyperparameters = "beta1 beta2 epsilon weight_decay epsilon_hat",
                              *formula = "w -= lr weight_decay w, then as adam";
  static void prepare(const Preparation& p, double* s) {
    Adam::prepare(p, s, p.hyper[4] != 0);
    s[7] = 1 - p.rate * p.hyper[3];
  }
  template <class T> static void update(Vector<T>& w, Vector<T> g, Vector<T>* slot, const Vector<T>* s) {
    w *= s[7];
    Adam::update<T>(w, g, slot, s);
  }
};

struct Adamax {
  static constexpr const char *name = "adamax", *hyperparameters = "beta1 beta2 epsilon",
                              *formula =
                                  "m = beta1 m + (1-beta1) g; u = max(beta2 u, |g| + epsilon); "
                                  "w -= lr/(1-beta1^t) m/u";
  static constexpr int slots = 2;
  static void prepare(const Preparation& p, double* s) {
    s[0] = p.rate / (1 - power(p.hyper[0], p.step));
    s[1] = p.hyper[0], s[2] = 1 - p.hyper[0], s[3] = p.hyper[1], s[4] = p.hyper[2];
  }
  template <class T> static void update(Vector<T>& w, Vector<T> g, Vector<T>* slot, const Vector<T>* s) {
    slot[0] = s[1] * slot[0] + s[2] * g;
    slot[1] = maximum<T>(s[3] * slot[1], absolute<T>(g) + s[4]);
    w -= s[0] * slot[0] / slot[1];
  }
};

// Adam with Nesterov's look-ahead and its warming schedule of the momentum (Dozat 2016), as PyTorch has it.
struct Nadam {
  static constexpr const char *name = "nadam", *hyperparameters = "beta1 beta2 epsilon momentum_decay",
                              *formula =
                                  "mu_t = beta1 (1 - 0.96^(t momentum_decay)/2); m, v as adam; w -= lr ("
                                  "mu_(t+1) m/(1 - prod mu_(1..t+1)) + (1-mu_t) g/(1 - prod mu_(1..t)))"
                                  " / (sqrt(v/(1-beta2^t)) + epsilon)";
  static constexpr int slots = 2;
  static double momentum(const Preparation& p, Size step) {
    return p.hyper[0] * (1 - 0.5 * __builtin_pow(0.96, static_cast<double>(step) * p.hyper[3]));
  }
  static void prepare(const Preparation& p, double* s) {
    if (p.step == 1) p.carried[0] = 1;  // the running product of the momenta
    const double now = momentum(p, p.step), next = momentum(p, p.step + 1);
    p.carried[0] *= now;
    s[0] = p.rate * next / (1 - p.carried[0] * next), s[7] = p.rate * (1 - now) / (1 - p.carried[0]);
    s[1] = p.hyper[0], s[2] = 1 - p.hyper[0], s[3] = p.hyper[1], s[4] = 1 - p.hyper[1], s[5] = p.hyper[2];
    s[6] = 1 / __builtin_sqrt(1 - power(p.hyper[1], p.step));
  }
  template <class T> static void update(Vector<T>& w, Vector<T> g, Vector<T>* slot, const Vector<T>* s) {
    slot[0] = s[1] * slot[0] + s[2] * g;
    slot[1] = s[3] * slot[1] + s[4] * g * g;
    w -= (s[0] * slot[0] + s[7] * g) / (square_root<T>(slot[1]) * s[6] + s[5]);
  }
};

// Each number has a step of its own, which grows while the sign of its gradient stays (Riedmiller & Braun 1993).
struct Rprop {
  static constexpr const char *name = "rprop", *hyperparameters = "shrink grow smallest largest",
                              *formula =
                                  "d *= grow if g g_before > 0, shrink if < 0 (then g = 0), within "
                                  "[smallest, largest]; w -= sign(g) d; d starts at lr";
  static constexpr int slots = 2;
  static void prepare(const Preparation& p, double* s) {
    s[0] = p.step == 1 ? p.rate : 0;
    for (int i = 0; i < 4; ++i) s[1 + i] = p.hyper[i];
  }
  template <class T> static void update(Vector<T>& w, Vector<T> g, Vector<T>* slot, const Vector<T>* s) {
    const Vector<T> agreement = g * slot[0], one = broadcast<T>(1), zero{};
    const Vector<T> step = slot[1] + s[0];
    const Vector<T> shrinking = agreement < T(0) ? s[1] : one, factor = agreement > T(0) ? s[2] : shrinking;
    slot[1] = minimum<T>(maximum<T>(step * factor, s[3]), s[4]);
    slot[0] = agreement < T(0) ? zero : g;
    const Vector<T> falling = slot[0] < T(0) ? slot[1] : zero;
    w += slot[0] > T(0) ? -slot[1] : falling;
  }
};

template <class T, class F>
void prepare_update(const double* hyper, double rate, Size step, double* carried, UpdateScalars<T>& scalars) {
  double values[max_hyperparameters] = {};
  F::prepare({hyper, rate, step, carried}, values);
  unrolled<max_hyperparameters>([&](auto i) { scalars.value[i] = static_cast<T>(values[i]); });
}

template <class T, class F, class Part>
inline void update_vector(T* weight, Vector<T> gradient, T* const* slots, Size i, Part part, const Vector<T>* s) {
  Vector<T> w = part.get(weight + i), slot[F::slots + 1];
  for (int k = 0; k < F::slots; ++k) slot[k] = part.get(slots[k] + i);
  F::template update<T>(w, gradient, slot, s);
  part.put(weight + i, w);
  for (int k = 0; k < F::slots; ++k) part.put(slots[k] + i, slot[k]);
}

template <class T, class F>
void update(T* weight, const T* gradient, T* const* slots, Size count, const UpdateScalars<T>& scalars, bool shared) {
  Vector<T> s[max_hyperparameters];
  for (int i = 0; i < max_hyperparameters; ++i) s[i] = broadcast<T>(scalars.value[i]);
  const auto update_at = [&](Size i, auto part) {
    update_vector<T, F>(weight, part.get(gradient + i), slots, i, part, s);
  };
  if (!shared) return for_vectors<T>(count, update_at);
  // To be written to again, what others have read takes a message from core to core, which is sent some lines ahead.
  constexpr Size ahead = 16 * 64 / sizeof(T);
  for (Size i = 0; i < ahead && i < count; i += width<T>) prefetch_to_write(weight + i);
  for_vectors<T>(count, [&](Size i, auto part) {
    prefetch_to_write(weight + (i + ahead < count ? i + ahead : i));
    update_at(i, part);
  });
}

template <class T, class F>
void update_by_product(T* weight, const T* left, Size rows, const T* right, Size columns, T* const* slots,
                       const UpdateScalars<T>& scalars) {
  Vector<T> s[max_hyperparameters];
  for (int i = 0; i < max_hyperparameters; ++i) s[i] = broadcast<T>(scalars.value[i]);
  for (Size r = 0; r < rows; ++r) {
    if (F::slots == 0 && left[r] == T(0)) continue;  // as behind a ReLU: without a memory, nothing moves
    for_vectors<T>(columns, [&](Size j, auto part) {
      update_vector<T, F>(weight, left[r] * part.get(right + j), slots, r * columns + j, part, s);
    });
  }
}

template <class T, class F>
constexpr OptimizerKernel<T> optimizer_row{
    F::name, F::formula, F::slots, F::hyperparameters, prepare_update<T, F>, update<T, F>, update_by_product<T, F>};

template <class T>
constexpr OptimizerKernel<T> optimizer_list[] = {
    optimizer_row<T, Sgd>,      optimizer_row<T, Momentum>, optimizer_row<T, Nesterov>, optimizer_row<T, Adagrad>,
    optimizer_row<T, Adadelta>, optimizer_row<T, RmsProp>,  optimizer_row<T, Adam>,     optimizer_row<T, AdamW>,
    optimizer_row<T, Adamax>,   optimizer_row<T, Nadam>,    optimizer_row<T, Rprop>,
};
