// Philox4x32-10 (Salmon et al. 2011): random bits as a function of (seed, stream, element), so that the same element
// gets the same number whoever computes it, in whatever order. Four words come from one counter; sixteen
// counters are worked side by side.

constexpr Size counters = 16, words_per_counter = 4, group = counters * words_per_counter;

// Words of the elements [64 · index, 64 · index + 64).
inline void random_group(std::uint64_t seed, std::uint64_t stream, std::uint64_t index, std::uint32_t* words) {
  std::uint32_t a[counters], b[counters], c[counters], d[counters];
  for (Size i = 0; i < counters; ++i) {
    const std::uint64_t counter = index * counters + static_cast<std::uint64_t>(i);
    a[i] = static_cast<std::uint32_t>(counter), b[i] = static_cast<std::uint32_t>(counter >> 32);
    c[i] = static_cast<std::uint32_t>(stream), d[i] = static_cast<std::uint32_t>(stream >> 32);
  }
  std::uint32_t key0 = static_cast<std::uint32_t>(seed), key1 = static_cast<std::uint32_t>(seed >> 32);
  for (int round = 0; round < 10; ++round, key0 += 0x9E3779B9u, key1 += 0xBB67AE85u) {
#pragma omp simd
    for (Size i = 0; i < counters; ++i) {
      const std::uint64_t left = 0xD2511F53ull * a[i], right = 0xCD9E8D57ull * c[i];
      a[i] = static_cast<std::uint32_t>(right >> 32) ^ b[i] ^ key0;
      b[i] = static_cast<std::uint32_t>(right);
      c[i] = static_cast<std::uint32_t>(left >> 32) ^ d[i] ^ key1;
      d[i] = static_cast<std::uint32_t>(left);
    }
  }
  for (Size i = 0; i < counters; ++i)
    words[4 * i] = a[i], words[4 * i + 1] = b[i], words[4 * i + 2] = c[i], words[4 * i + 3] = d[i];
}

// Calls body(low, high, shift, words) for the words [low, high) of each group: word i belongs to element first + shift
// + i.
template <class Body>
inline void for_random_groups(std::uint64_t seed, std::uint64_t stream, Size first, Size count, Body body) {
  for (Size index = first / group; index * group < first + count; ++index) {
    std::uint32_t words[group];
    random_group(seed, stream, static_cast<std::uint64_t>(index), words);
    const Size start = index * group;
    const Size low = first > start ? first - start : 0;
    const Size high = first + count - start < group ? first + count - start : group;
    body(low, high, start - first, words);
  }
}

template <class T>
void dropout_mask(std::uint64_t seed, std::uint64_t stream, Size first, T rate, T* mask, Size count) {
  const double scaled = static_cast<double>(rate) * 4294967296.0;
  const std::uint32_t threshold = scaled >= 4294967295.0 ? 4294967295u : static_cast<std::uint32_t>(scaled);
  const T kept = T(1) / (T(1) - rate);
  for_random_groups(seed, stream, first, count, [&](Size low, Size high, Size shift, const std::uint32_t* words) {
    for (Size i = low; i < high; ++i) mask[shift + i] = words[i] >= threshold ? kept : T(0);
  });
}

template <class T> void uniform(std::uint64_t seed, std::uint64_t stream, Size first, T* out, Size count) {
  constexpr int bits = sizeof(T) == 4 ? 24 : 32;
  const T unit = T(1) / static_cast<T>(std::uint64_t{1} << bits);
  for_random_groups(seed, stream, first, count, [&](Size low, Size high, Size shift, const std::uint32_t* words) {
    for (Size i = low; i < high; ++i) out[shift + i] = static_cast<T>(words[i] >> (32 - bits)) * unit;
  });
}

// Box–Muller: the elements 2j and 2j + 1 are the two coordinates of one pair of words.
template <class T> inline void normal_group(const std::uint32_t* words, T* out) {
  constexpr int bits = sizeof(T) == 4 ? 24 : 32;
  const T unit = T(1) / static_cast<T>(std::uint64_t{1} << bits);
  T radius[group / 2], turn[group / 2];
  for (Size j = 0; j < group / 2; ++j) {
    radius[j] = (static_cast<T>(words[2 * j] >> (32 - bits)) + T(0.5)) * unit;
    turn[j] = static_cast<T>(words[2 * j + 1] >> (32 - bits)) * unit;
  }
  for (Size j = 0; j < group / 2; j += width<T>) {
    const Vector<T> length = square_root<T>(T(-2) * natural_log<T>(load(radius + j))), angle = load(turn + j);
    store<T>(radius + j, length * cosine_of_turns<T>(angle));
    store<T>(turn + j, length * sine_of_turns<T>(angle));
  }
  for (Size j = 0; j < group / 2; ++j) out[2 * j] = radius[j], out[2 * j + 1] = turn[j];
}

template <class T> void normal(std::uint64_t seed, std::uint64_t stream, Size first, T* out, Size count) {
  for_random_groups(seed, stream, first, count, [&](Size low, Size high, Size shift, const std::uint32_t* words) {
    T numbers[group];
    normal_group(words, numbers);
    for (Size i = low; i < high; ++i) out[shift + i] = numbers[i];
  });
}
