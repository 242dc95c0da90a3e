// Elementary functions on one register of numbers: no branches, no calls, no tables, and at most one division in
// those that activations need. Nothing relies on a fused multiply-add, which only sharpens the results where the
// compiler can contract to one.
//
// Polynomials are minimax fits of the part that follows the exactly known leading terms, so that their rounding errors
// weigh little; coefficients stand in ascending order, each rounded before the next were fitted.
//
// docs/accuracy.md states the largest errors, and tests/test_accuracy.py finds them, over all floats.

template <class T> struct Constants;

template <> struct Constants<float> {
  typedef std::uint32_t Unsigned __attribute__((vector_size(MULTICAPA_VECTOR_BYTES)));
  static constexpr int mantissa_bits = 23, exponent_bias = 127;
  static constexpr float two_to_mantissa_bits = 0x1p23f, smallest_normal = 0x1p-126f;
  static constexpr float log2_e = 0x1.715476p+0f, half_pi = 0x1.921fb6p+0f, root_half = 0x1.6a09e6p-1f;
  static constexpr float ln2_high = 0x1.62e3p-1f, ln2_low = 0x1.2fefa2p-17f;  // 17 bits, so that k ln2_high is exact
  static constexpr float exponential_lowest = -87.25f, exponential_highest = 89;
  static constexpr float expm1_lowest = -20, erf_lowest = -3.95f;
  static constexpr float exponential[] = {0.5f, 0.166665435f, 0.0416666083f, 0.00836650096f, 0.00139236532f};
  static constexpr float tanh_highest_square = 81.36f;
  static constexpr float tanh_numerator[] = {0.133826792f, 0.00349744805f, 2.0635669e-05f, 1.33840912e-08f};
  static constexpr float tanh_denominator[] = {0.467159986f, 0.0258843247f, 0.000328850176f, 7.79016489e-07f};
  static constexpr float logarithm[] = {0.666666627f, 0.400009722f, 0.284988046f, 0.242783725f};
  static constexpr float softplus[] = {0.666666746f, 0.399989486f, 0.286152154f, 0.214437902f, 0.242459252f};
  static constexpr float sine[] = {-0.645963609f, 0.0796810836f, -0.00460372586f};
  static constexpr float cosine[] = {-1.23370051f, 0.253668547f, -0.0208555963f, 0.000894483645f};
  static constexpr float erf[] = {0.128379166f,     -0.636619568f,    0.102776304f,
                                  0.0191478264f,    -0.000169483392f, -0.00167563569f,
                                  -0.000637326448f, -0.000118845674f, -9.38558151e-06f};
};

template <> struct Constants<double> {
  typedef std::uint64_t Unsigned __attribute__((vector_size(MULTICAPA_VECTOR_BYTES)));
  static constexpr int mantissa_bits = 52, exponent_bias = 1023;
  static constexpr double two_to_mantissa_bits = 0x1p52, smallest_normal = 0x1p-1022;
  static constexpr double log2_e = 0x1.71547652b82fep+0, half_pi = 0x1.921fb54442d18p+0;
  static constexpr double root_half = 0x1.6a09e667f3bcdp-1;
  static constexpr double ln2_high = 0x1.62e42feep-1, ln2_low = 0x1.a39ef35793c76p-33;  // 32 bits, likewise
  static constexpr double exponential_lowest = -708.25, exponential_highest = 710;
  static constexpr double expm1_lowest = -40, erf_lowest = -5.95;
  static constexpr double exponential[] = {0.5,
                                           0.16666666666666677,
                                           0.04166666666666667,
                                           0.00833333333332138,
                                           0.0013888888888878596,
                                           0.0001984126988733367,
                                           2.4801587369068434e-05,
                                           2.755724176417438e-06,
                                           2.75572221459029e-07,
                                           2.51103782069878e-08,
                                           2.0929769163513835e-09};
  static constexpr double logarithm[] = {0.6666666666666735,  0.3999999999940926,  0.2857142874371829,
                                         0.22222198425338358, 0.18183572541849727, 0.15313827766007632,
                                         0.14798296925006785};
  static constexpr double softplus[] = {
      0.6666666666666631,  0.4000000000015594, 0.2857142854800453,  0.22222223961193607, 0.1818174419848827,
      0.15386554637967698, 0.1330103630272827, 0.12105639699150753, 0.0834184893039678,  0.17015692308068672};
  static constexpr double sine[] = {-0.6459640975062448,    0.07969262624605838,    -0.004681754132533872,
                                    0.00016044115191672385, -3.598646783181246e-06, 5.6343185904379255e-08};
  static constexpr double cosine[] = {-1.2337005501361697,   0.2536695079010417,      -0.020863480763180994,
                                      0.0009192602726330371, -2.5202027453390483e-05, 4.710334369458994e-07,
                                      -6.28944090568724e-09};
  static constexpr double erf[] = {
      0.12837916709551256,     -0.6366197723675898,    0.10277260330135786,     0.01912844699382366,
      -0.00020919484679270733, -0.001696207625369335,  -0.0005901322396071648,  -2.5903911649108525e-05,
      6.442182575419922e-05,   2.957804777325748e-05,  3.172922961535397e-06,   -3.1294701014388924e-06,
      -2.0342140628174363e-06, -5.686126105782704e-07, -1.0611890442848117e-08, 6.620896580970304e-08,
      3.474896379053385e-08,   1.0818102014751548e-08, 2.3700300396786777e-09,  3.7761604603957696e-10,
      4.320301790839733e-11,   3.3798105092502366e-12, 1.622916232994324e-13,   3.6118761329597475e-15};
};

template <class T> using UnsignedVector = typename Constants<T>::Unsigned;

template <class T> inline UnsignedVector<T> bits(Vector<T> x) { return (UnsignedVector<T>)x; }
template <class T> inline UnsignedVector<T> sign_mask() { return ~UnsignedVector<T>{} << (8 * sizeof(T) - 1); }

template <class T> inline Vector<T> negative_magnitude(Vector<T> x) { return (Vector<T>)(bits<T>(x) | sign_mask<T>()); }

// The magnitude must not be negative.
template <class T> inline Vector<T> with_sign(Vector<T> magnitude, Vector<T> sign) {
  return (Vector<T>)(bits<T>(magnitude) | (bits<T>(sign) & sign_mask<T>()));
}

// The terms of first, first + stride, ... by Horner's rule, in y = x^stride, all times `scale`.
template <class T, int first, int stride, int terms>
inline Vector<T> horner(Vector<T> y, const T (&coefficient)[terms], T scale) {
  constexpr int last = first + (terms - 1 - first) / stride * stride;
  Vector<T> sum = broadcast<T>(coefficient[last] * scale);
#pragma GCC unroll 32
  for (int power = last - stride; power >= first; power -= stride) sum = sum * y + coefficient[power] * scale;
  return sum;
}

// Long polynomials take even and odd powers apart: the processor holds only a few registers' worth of such chains in
// flight, so that halving the latency pays, although it costs one more product.
template <class T, int terms> inline Vector<T> polynomial(Vector<T> x, const T (&coefficient)[terms], T scale = 1) {
  if constexpr (terms < 8) return horner<T, 0, 1>(x, coefficient, scale);
  const Vector<T> square = x * x;
  return horner<T, 1, 2>(square, coefficient, scale) * x + horner<T, 0, 2>(square, coefficient, scale);
}

// x = k ln 2 + r with |r| <= ln 2 / 2, and half_power = 2^(k-1), since 2^k overflows before the largest results do.
// Adding 1.5 * 2^mantissa_bits rounds to the integer k and leaves it, with the exponent's bias, in the lowest bits,
// from where a shift makes it an exponent.
template <class T> struct SplitExponent {
  Vector<T> half_power, r;
};

template <class T> inline SplitExponent<T> split_exponent(Vector<T> x) {
  using C = Constants<T>;
  constexpr T magic = T(1.5) * C::two_to_mantissa_bits + T(C::exponent_bias - 1);
  const Vector<T> shifted = x * C::log2_e + magic;
  const Vector<T> k = shifted - magic;
  return {(Vector<T>)(bits<T>(shifted) << C::mantissa_bits), (x - k * C::ln2_high) - k * C::ln2_low};
}

// Both from the minimax fit of (e^r - 1 - r) / r^2, the first doubled to go with half_power.
template <class T> inline Vector<T> twice_exp_of_rest(Vector<T> r) {
  return r * (r * polynomial<T>(r, Constants<T>::exponential, T(2)) + T(2)) + T(2);
}

template <class T> inline Vector<T> expm1_of_rest(Vector<T> r) {
  return r * r * polynomial<T>(r, Constants<T>::exponential) + r;
}

// The comparisons are ordered so that NaN passes through.
template <class T> inline Vector<T> clamp(Vector<T> x, T lowest, T highest) {
  return minimum<T>(broadcast<T>(highest), maximum<T>(broadcast<T>(lowest), x));
}

// Results under 2^-125.5 (2^-1021.5) become zero, where half_power does: denormal numbers would cost a microcode
// assist for every register. Of the error otherwise, half a ULP is from the last sum.
template <class T> inline Vector<T> exponential(Vector<T> x) {
  using C = Constants<T>;
  const auto [half_power, r] = split_exponent<T>(clamp<T>(x, C::exponential_lowest, C::exponential_highest));
  return twice_exp_of_rest<T>(r) * half_power;
}

// 2^k - 1 + 2^k expm1(r) for x <= 0.
template <class T> inline Vector<T> exponential_minus_one(Vector<T> x) {
  const Vector<T> limited = maximum<T>(broadcast<T>(Constants<T>::expm1_lowest), x);
  const auto [half_power, r] = split_exponent<T>(limited);
  return (expm1_of_rest<T>(r) * half_power + (half_power - T(0.5))) * T(2);
}

// 1 / (1 + e^-x), zero below 2^-128 (2^-1024). The exponential, the sum and the quotient each take about a third of the
// error; doing better would take a longer sum.
template <class T> inline Vector<T> logistic(Vector<T> x) { return T(1) / (exponential<T>(-x) + T(1)); }

// (1 - e^x) / 2 for x <= 0, never below zero and never -0.
template <class T> inline Vector<T> half_complement(SplitExponent<T> x, Vector<T> expm1) {
  return (T(0.5) - x.half_power) - expm1 * x.half_power;
}

// tanh |x| = (1 - t) / (1 + t) with t = e^(-2|x|), both written with t - 1 so that small x keep their accuracy, and
// never above 1. Numerator, denominator and quotient are each rounded.
template <class T> inline Vector<T> hyperbolic_tangent(Vector<T> x) {
  const Vector<T> limited = maximum<T>(broadcast<T>(Constants<T>::expm1_lowest / 2), negative_magnitude<T>(x));
  const SplitExponent<T> t = split_exponent<T>(limited + limited);
  const Vector<T> expm1 = expm1_of_rest<T>(t.r);
  return with_sign<T>(half_complement<T>(t, expm1) / (expm1 * t.half_power + (t.half_power + T(0.5))), x);
}

// x (1 + s p(s)) / (1 + s q(s)) with s = x^2, the minimax fit up to where tanh is 1: a quarter less work than the
// above.
template <> inline Vector<float> hyperbolic_tangent<float>(Vector<float> x) {
  using C = Constants<float>;
  const Vector<float> square = minimum<float>(broadcast<float>(C::tanh_highest_square), x * x);
  const Vector<float> numerator = polynomial<float>(square, C::tanh_numerator) * (x * square) + x;
  const Vector<float> denominator = polynomial<float>(square, C::tanh_denominator) * square + 1.0f;
  return clamp<float>(numerator / denominator, -1, 1);
}

// erf |x| = 1 - e^(-|x| g(|x|)) with g = -log(erfc |x|) / |x|, smooth from 2 / sqrt(pi) on, whose error counts less
// the closer erf is to 1: one polynomial, of g - 1, serves the whole range. The error is from the exponent and expm1.
template <class T> inline Vector<T> error_function(Vector<T> x) {
  const Vector<T> limited = maximum<T>(broadcast<T>(Constants<T>::erf_lowest), negative_magnitude<T>(x));
  const Vector<T> log_erfc = limited * polynomial<T>(limited, Constants<T>::erf) + limited;
  const SplitExponent<T> erfc = split_exponent<T>(log_erfc);
  return with_sign<T>(half_complement<T>(erfc, expm1_of_rest<T>(erfc.r)) * T(2), x);
}

// tanh(log(1 + e^x)) = n / (n + 2) with n = e^x (e^x + 2), as far as it is not yet 1.
template <class T> inline Vector<T> tanh_of_softplus(Vector<T> x) {
  const Vector<T> e = exponential<T>(minimum<T>(broadcast<T>(-Constants<T>::expm1_lowest), x)), n = e * (e + T(2));
  return n / (n + T(2));
}

// log(1 + f) = f - s (f - R(s^2)) with s = f / (2 + f), that is 2 artanh s, so that f's own digits come out unharmed.
// With f in [0, 1] there is no exponent to take apart. The error is from the exponential, the product and the sums.
template <class T> inline Vector<T> softplus(Vector<T> x) {
  const Vector<T> f = exponential<T>(negative_magnitude<T>(x));
  const Vector<T> s = f / (f + T(2));
  const Vector<T> square = s * s;
  const Vector<T> log_of_sum = f - s * (f - square * polynomial<T>(square, Constants<T>::softplus));
  return maximum<T>(Vector<T>{}, x) + log_of_sum;
}

// log(2^k (1 + f)) for normal x > 0, with 1 + f between the roots of 1/2 and 2; infinity and NaN stay what they are.
// The formula for log(1 + f) is softplus's, with s f replaced by f^2 / 2 - s f^2 / 2 to lose less of it: all but the
// last sum is small beside it.
template <class T> inline Vector<T> natural_log(Vector<T> x) {
  using C = Constants<T>;
  const UnsignedVector<T> one = bits<T>(broadcast<T>(T(1))), root_half = bits<T>(broadcast<T>(C::root_half));
  const UnsignedVector<T> biased = (bits<T>(x) - root_half + one) >> C::mantissa_bits;
  const Vector<T> f = (Vector<T>)(bits<T>(x) - (biased << C::mantissa_bits) + one) - T(1);
  const UnsignedVector<T> shifted = biased | bits<T>(broadcast<T>(C::two_to_mantissa_bits));
  const Vector<T> k = (Vector<T>)shifted - (C::two_to_mantissa_bits + T(C::exponent_bias));
  const Vector<T> s = f / (f + T(2));
  const Vector<T> square = s * s, half_square = f * f * T(0.5);
  const Vector<T> rest = s * (square * polynomial<T>(square, C::logarithm) + half_square);
  const Vector<T> log = k * C::ln2_high + (f - (half_square - (rest + k * C::ln2_low)));
  return x < T(__builtin_inf()) ? log : x;
}

// cos(2 pi (u + quarters / 4)) for 0 <= u < 1: with q the integer nearest to 4u and w the rest, found exactly, it is
// the cosine or sine of pi w / 2 up to sign as q + quarters is even or odd. Most of the error is the sine's, which ends
// in a product.
template <class T> inline Vector<T> cosine_of_quarters(Vector<T> u, int quarters) {
  using C = Constants<T>;
  constexpr T magic = T(1.5) * C::two_to_mantissa_bits;
  const Vector<T> shifted = u * T(4) + magic;
  const Vector<T> w = u * T(4) - (shifted - magic);
  const Vector<T> square = w * w;
  const Vector<T> cosine = square * polynomial<T>(square, C::cosine) + T(1);
  const Vector<T> sine = w * (square * polynomial<T>(square, C::sine) + C::half_pi);
  const UnsignedVector<T> quarter = bits<T>(shifted) + quarters;
  const UnsignedVector<T> sign = ((quarter + 1) & 2) << (8 * sizeof(T) - 2);
  return (Vector<T>)(bits<T>((quarter & 1) != 0 ? sine : cosine) ^ sign);
}

template <class T> inline Vector<T> cosine_of_turns(Vector<T> u) { return cosine_of_quarters<T>(u, 0); }
template <class T> inline Vector<T> sine_of_turns(Vector<T> u) { return cosine_of_quarters<T>(u, 3); }
