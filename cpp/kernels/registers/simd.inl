// One register of numbers, in GCC/Clang vector extensions: the same source serves every instruction set.
// MULTICAPA_VECTOR_BYTES is its width. Everything here sits in the including file's anonymous namespace, so no copy
// compiled for one processor can be linked into another's path.

template <class T> struct Simd;

template <> struct Simd<float> {
  typedef float Vector __attribute__((vector_size(MULTICAPA_VECTOR_BYTES)));
  typedef std::int32_t Integer __attribute__((vector_size(MULTICAPA_VECTOR_BYTES)));
};

template <> struct Simd<double> {
  typedef double Vector __attribute__((vector_size(MULTICAPA_VECTOR_BYTES)));
  typedef std::int64_t Integer __attribute__((vector_size(MULTICAPA_VECTOR_BYTES)));
};

template <class T> using Vector = typename Simd<T>::Vector;
template <class T> using IntegerVector = typename Simd<T>::Integer;  // also the type of a comparison: 0 or -1 per lane

template <class T> constexpr Size width = MULTICAPA_VECTOR_BYTES / sizeof(T);

// value − 0, since −0 + 0 would be +0.
template <class T> inline Vector<T> broadcast(T value) { return value - Vector<T>{}; }

template <class T> inline Vector<T> load(const T* source) {
  Vector<T> vector;
  __builtin_memcpy(&vector, source, sizeof vector);
  return vector;
}

template <class T> inline void store(T* target, Vector<T> vector) { __builtin_memcpy(target, &vector, sizeof vector); }

// The first `count` lanes, 0 < count < width; the other lanes are zero and their memory is not touched.
#if defined(__AVX512F__) && MULTICAPA_VECTOR_BYTES == 64
inline Vector<float> load_partial(const float* source, Size count) {
  return (Vector<float>)_mm512_maskz_loadu_ps((__mmask16)((1u << count) - 1), source);
}
inline Vector<double> load_partial(const double* source, Size count) {
  return (Vector<double>)_mm512_maskz_loadu_pd((__mmask8)((1u << count) - 1), source);
}
inline void store_partial(float* target, Vector<float> vector, Size count) {
  _mm512_mask_storeu_ps(target, (__mmask16)((1u << count) - 1), (__m512)vector);
}
inline void store_partial(double* target, Vector<double> vector, Size count) {
  _mm512_mask_storeu_pd(target, (__mmask8)((1u << count) - 1), (__m512d)vector);
}
#elif defined(__AVX2__) && MULTICAPA_VECTOR_BYTES == 32
constexpr std::int32_t lane_mask[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};
inline __m256i first_lanes(Size bytes_over_four) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(lane_mask + 8 - bytes_over_four));
}
inline Vector<float> load_partial(const float* source, Size count) {
  return (Vector<float>)_mm256_maskload_ps(source, first_lanes(count));
}
inline Vector<double> load_partial(const double* source, Size count) {
  return (Vector<double>)_mm256_maskload_pd(source, first_lanes(2 * count));
}
inline void store_partial(float* target, Vector<float> vector, Size count) {
  _mm256_maskstore_ps(target, first_lanes(count), (__m256)vector);
}
inline void store_partial(double* target, Vector<double> vector, Size count) {
  _mm256_maskstore_pd(target, first_lanes(2 * count), (__m256d)vector);
}
#else
template <class T> inline Vector<T> load_partial(const T* source, Size count) {
  Vector<T> vector{};
  for (Size lane = 0; lane < count; ++lane) vector[lane] = source[lane];
  return vector;
}
template <class T> inline void store_partial(T* target, Vector<T> vector, Size count) {
  for (Size lane = 0; lane < count; ++lane) target[lane] = vector[lane];
}
#endif

template <class T> inline Vector<T> select_first(Vector<T> first, Vector<T> rest, Size count) {
  IntegerVector<T> lane, limit;
  for (Size i = 0; i < width<T>; ++i) lane[i] = i, limit[i] = count;
  return lane < limit ? first : rest;
}

// One number from each of width<T> rows.
template <class T> inline Vector<T> load_strided(const T* source, Size stride) {
  T lane[width<T>];
  for (Size i = 0; i < width<T>; ++i) lane[i] = source[i * stride];
  return load(lane);
}
template <class T> inline void store_strided(T* target, Size stride, Vector<T> vector) {
  T lane[width<T>];
  store(lane, vector);
  for (Size i = 0; i < width<T>; ++i) target[i * stride] = lane[i];
}

template <class T> inline Vector<T> absolute(Vector<T> a) {
  // Clears the sign bit: exact for zeros, infinities and NaN too.
  return (Vector<T>)((IntegerVector<T>)a & ~(IntegerVector<T>)broadcast<T>(T(-0.0)));
}

// maximum(a, b) is a > b ? a : b in each lane, so b where either is NaN. Spelled out, since the compiler turns the
// conditional into a comparison and a blend, and does not vectorise the square root of a lane at all.
template <class T> Vector<T> maximum(Vector<T> a, Vector<T> b);
template <class T> Vector<T> minimum(Vector<T> a, Vector<T> b);
template <class T> Vector<T> square_root(Vector<T> a);

#if defined(__x86_64__)
#if MULTICAPA_VECTOR_BYTES == 64
#define MULTICAPA_NATIVE(operation, suffix) _mm512_##operation##_##suffix
#elif MULTICAPA_VECTOR_BYTES == 32
#define MULTICAPA_NATIVE(operation, suffix) _mm256_##operation##_##suffix
#else
#define MULTICAPA_NATIVE(operation, suffix) _mm_##operation##_##suffix
#endif
#define MULTICAPA_SPECIALISE(T, suffix)                               \
  template <> inline Vector<T> maximum<T>(Vector<T> a, Vector<T> b) { \
    return (Vector<T>)MULTICAPA_NATIVE(max, suffix)(a, b);            \
  }                                                                   \
  template <> inline Vector<T> minimum<T>(Vector<T> a, Vector<T> b) { \
    return (Vector<T>)MULTICAPA_NATIVE(min, suffix)(a, b);            \
  }                                                                   \
  template <> inline Vector<T> square_root<T>(Vector<T> a) { return (Vector<T>)MULTICAPA_NATIVE(sqrt, suffix)(a); }
MULTICAPA_SPECIALISE(float, ps)
MULTICAPA_SPECIALISE(double, pd)
#undef MULTICAPA_SPECIALISE
#undef MULTICAPA_NATIVE
#else
template <class T> inline Vector<T> maximum(Vector<T> a, Vector<T> b) { return a > b ? a : b; }
template <class T> inline Vector<T> minimum(Vector<T> a, Vector<T> b) { return a < b ? a : b; }
template <class T> inline Vector<T> square_root(Vector<T> a) {
  for (Size i = 0; i < width<T>; ++i) a[i] = sizeof(T) == 4 ? __builtin_sqrtf(a[i]) : __builtin_sqrt(a[i]);
  return a;
}
#endif

// Lane i of the result is lane lane_of(i) of a and b side by side. Known to the compiler, the lanes become a constant.
#if defined(__clang__)
template <class Number, Number... lane> struct Lanes {};
template <class T, class LaneOf, Size... lane>
inline Vector<T> shuffle(Vector<T> a, Vector<T> b, LaneOf lane_of, Lanes<Size, lane...>) {
  return __builtin_shufflevector(a, b, lane_of(lane)...);
}
template <class T, class LaneOf> inline Vector<T> shuffle(Vector<T> a, Vector<T> b, LaneOf lane_of) {
  return shuffle<T>(a, b, lane_of, __make_integer_seq<Lanes, Size, width<T>>{});
}
#else
template <class T, class LaneOf> inline Vector<T> shuffle(Vector<T> a, Vector<T> b, LaneOf lane_of) {
  IntegerVector<T> lanes;
  for (Size i = 0; i < width<T>; ++i) lanes[i] = lane_of(i);
  return __builtin_shuffle(a, b, lanes);
}
#endif

template <class T, Size half> inline Vector<T> upper_half(Vector<T> vector) {
  return shuffle<T>(vector, vector, [](Size i) { return i < half ? i + half : i; });
}

// Sums and maxima over the lanes halve the register each time, so the order is fixed for an instruction set.
template <class T, Size half = width<T> / 2> inline T sum_lanes(Vector<T> vector) {
  if constexpr (half == 0) return vector[0];
  else return sum_lanes<T, half / 2>(vector + upper_half<T, half>(vector));
}
template <class T, Size half = width<T> / 2> inline T max_lanes(Vector<T> vector) {
  if constexpr (half == 0) return vector[0];
  else return max_lanes<T, half / 2>(maximum<T>(vector, upper_half<T, half>(vector)));
}
