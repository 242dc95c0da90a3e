#include "base/shuffle.hpp"

#include <bit>
#include <utility>

namespace multicapa {
namespace {

std::uint64_t mixed(std::uint64_t& state) {  // SplitMix64 (Steele, Lea, Flood 2014), to spread out a seed
  std::uint64_t z = state += 0x9E3779B97F4A7C15u;
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
  z = (z ^ z >> 27) * 0x94D049BB133111EBu;
  return z ^ z >> 31;
}

class Xoshiro {  // xoshiro256++ (Blackman, Vigna 2019)
 public:
  Xoshiro(std::uint64_t seed, std::uint64_t stream) {
    std::uint64_t state = mixed(seed) ^ stream;
    for (std::uint64_t& word : words_) word = mixed(state);
  }

  std::uint64_t operator()() {
    const std::uint64_t result = std::rotl(words_[0] + words_[3], 23) + words_[0], shifted = words_[1] << 17;
    words_[2] ^= words_[0], words_[3] ^= words_[1], words_[1] ^= words_[2], words_[0] ^= words_[3];
    words_[2] ^= shifted;
    words_[3] = std::rotl(words_[3], 45);
    return result;
  }

  // Uniform in [0, first) and in [0, second), whose product fits into a word: both from one word, and without a
  // division nearly always (Brackett-Rozinsky, Lemire 2024).
  std::pair<std::uint64_t, std::uint64_t> below(std::uint64_t first, std::uint64_t second) {
    const std::uint64_t outcomes = first * second;
    Draw draw = roll(first, second);
    if (draw.rest < outcomes)
      for (const std::uint64_t least = -outcomes % outcomes; draw.rest < least;) draw = roll(first, second);
    return {draw.first, draw.second};
  }

 private:
  struct Draw {
    std::uint64_t first, second, rest;
  };
  Draw roll(std::uint64_t first, std::uint64_t second) {
    __extension__ using Wide = unsigned __int128;
    const Wide a = Wide((*this)()) * first, b = Wide(static_cast<std::uint64_t>(a)) * second;
    const auto upper = [](Wide product) { return static_cast<std::uint64_t>(product >> 64); };
    return {upper(a), upper(b), static_cast<std::uint64_t>(b)};
  }

  std::uint64_t words_[4];
};

}  // namespace

// Fisher and Yates.
void shuffle(Size* indices, Size count, std::uint64_t seed, std::uint64_t stream) {
  constexpr Size most_in_pairs = Size{1} << 32;
  Xoshiro random(seed, stream);
  const auto swap = [&](Size i, std::uint64_t j) { std::swap(indices[i], indices[static_cast<Size>(j)]); };
  Size i = count;
  for (; i > most_in_pairs; --i) swap(i - 1, random.below(static_cast<std::uint64_t>(i), 1).first);
  for (; i > 1; i -= 2) {
    const auto limit = static_cast<std::uint64_t>(i);
    const auto [last, next_to_last] = random.below(limit, limit - 1);
    swap(i - 1, last);
    swap(i - 2, next_to_last);
  }
}

}  // namespace multicapa
