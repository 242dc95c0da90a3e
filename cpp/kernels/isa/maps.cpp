// Convolutions and poolings.

#include "kernels/maps/maps.hpp"
#include "kernels/isa/prelude.hpp"

namespace multicapa {
namespace {

// Each stands on those before it.
// clang-format off
#include "kernels/registers/simd.inl"
#include "kernels/registers/unrolled.inl"
#include "kernels/registers/loops.inl"
#include "kernels/products/gemm.inl"
#include "kernels/products/transpose.inl"
#include "kernels/maps/convolution.inl"
#include "kernels/maps/gradient.inl"
#include "kernels/maps/pooling.inl"
// clang-format on

template <class T> constexpr MapKernels<T> make_kernels() {
  return {convolution_forward<T>, convolution_backward<T>, turn_weights<T>,         convolution_gradient<T>,
          max_pool_forward<T>,    max_pool_backward<T>,    average_pool_forward<T>, average_pool_backward<T>};
}

}  // namespace

extern const MapTables MULTICAPA_TABLES(maps, MULTICAPA_ISA);
const MapTables MULTICAPA_TABLES(maps, MULTICAPA_ISA) = {make_kernels<float>(), make_kernels<double>()};

}  // namespace multicapa
