// The order in which an epoch visits its samples.
#pragma once

#include "base/types.hpp"

namespace multicapa {

// Permutes the indices, each permutation as likely as any other; the same (seed, stream) gives the same one.
void shuffle(Size* indices, Size count, std::uint64_t seed, std::uint64_t stream);

}  // namespace multicapa
