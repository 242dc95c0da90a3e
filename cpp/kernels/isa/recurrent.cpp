// The kernels of recurrent layers.

#include "kernels/recurrent/recurrent.hpp"

#include "kernels/isa/prelude.hpp"

namespace multicapa {
namespace {

// Each stands on those before it.
// clang-format off
#include "kernels/registers/simd.inl"
#include "kernels/registers/math.inl"
#include "kernels/registers/unrolled.inl"
#include "kernels/registers/loops.inl"
#include "kernels/recurrent/packed.inl"
#include "kernels/recurrent/gates.inl"
// clang-format on

template <class T> constexpr RecurrentKernels<T> make_table() {
  return {pack<T>,      multiply_packed<T>, lstm_forward<T>, lstm_backward<T>,
          gru_gates<T>, gru_forward<T>,     gru_backward<T>, gru_backward_reset<T>};
}

}  // namespace

extern const RecurrentTables MULTICAPA_TABLES(recurrent, MULTICAPA_ISA);
const RecurrentTables MULTICAPA_TABLES(recurrent, MULTICAPA_ISA) = {make_table<float>(), make_table<double>()};

}  // namespace multicapa
