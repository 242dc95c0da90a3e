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

  // Uniform in [0, limit), without a division nearly always (Lemire 2019).
  std::uint64_t below(std::uint64_t limit) {
    __extension__ using Wide = unsigned __int128;
    Wide product = Wide((*this)()) * limit;
    if (static_cast<std::uint64_t>(product) < limit)
      for (const std::uint64_t least = -limit % limit; static_cast<std::uint64_t>(product) < least;)
        product = Wide((*this)()) * limit;
    return static_cast<std::uint64_t>(product >> 64);
  }

 private:
  std::uint64_t words_[4];
};

}  // namespace

// Fisher and Yates.
void shuffle(Size* indices, Size count, std::uint64_t seed, std::uint64_t stream) {
  Xoshiro random(seed, stream);
  for (Size i = count; i > 1; --i)
    std::swap(indices[i - 1], indices[static_cast<Size>(random.below(static_cast<std::uint64_t>(i)))]);
}

}  // namespace multicapa
