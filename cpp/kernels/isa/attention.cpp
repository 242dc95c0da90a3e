// The kernels of attention.

#include "kernels/attention/attention.hpp"

#include "kernels/isa/prelude.hpp"

namespace multicapa {
namespace {

// Each stands on those before it.
// clang-format off
#include "kernels/registers/simd.inl"
#include "kernels/registers/math.inl"
#include "kernels/registers/loops.inl"
#include "kernels/attention/attention.inl"
// clang-format on

template <class T> constexpr AttentionKernels<T> make_table() {
  return {attention_softmax<T>, attention_softmax_backward<T>, additive<T>, additive_backward<T>};
}

}  // namespace

extern const AttentionTables MULTICAPA_TABLES(attention, MULTICAPA_ISA);
const AttentionTables MULTICAPA_TABLES(attention, MULTICAPA_ISA) = {make_table<float>(), make_table<double>()};

}  // namespace multicapa
