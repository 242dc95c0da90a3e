// All kernels for one instruction set. The including file names it: MULTICAPA_ISA, MULTICAPA_VECTOR_BYTES.
//
// Everything sits in an anonymous namespace and uses nothing that has a body in a shared or standard header, so each
// object file exports its two tables alone. Otherwise the linker could keep one instruction set's copy of a
// shared inline function for all of them, and crash older processors (numpy #25274, botan #5260).

#if defined(__x86_64__)
// GCC's own header looks uninitialised to GCC where a masked intrinsic has nothing to merge with.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#include <immintrin.h>
#pragma GCC diagnostic pop
#endif

#include "base/prefetch.hpp"
#include "kernels/chain.hpp"
#include "kernels/table.hpp"

#define MULTICAPA_QUOTE(isa) #isa
#define MULTICAPA_NAME(isa) MULTICAPA_QUOTE(isa)
#define MULTICAPA_JOIN(isa) kernel_tables_##isa
#define MULTICAPA_TABLES(isa) MULTICAPA_JOIN(isa)

namespace multicapa {
namespace {

// Each stands on those before it.
// clang-format off
#include "kernels/simd.inl"
#include "kernels/math.inl"
#include "kernels/unrolled.inl"
#include "kernels/loops.inl"
#include "kernels/softmax.inl"
#include "kernels/activations.inl"
#include "kernels/losses.inl"
#include "kernels/optimizers.inl"
#include "kernels/gemm.inl"
#include "kernels/transpose.inl"
#include "kernels/elementwise.inl"
#include "kernels/columns.inl"
#include "kernels/single.inl"
#include "kernels/narrow.inl"
#include "kernels/chain.inl"
#include "kernels/random.inl"
#include "kernels/norms.inl"
#include "kernels/pieces.inl"
// clang-format on

template <class Row, int N> constexpr int length(const Row (&)[N]) { return N; }

template <class T> constexpr KernelTable<T> make_table() {
  return {MULTICAPA_NAME(MULTICAPA_ISA),
          width<T>,
          block_columns<T>,
          nullptr,
          activation_list<T>,
          length(activation_list<T>),
          loss_list<T>,
          length(loss_list<T>),
          optimizer_list<T>,
          length(optimizer_list<T>),
          gemm<T>,
          matrix_vector<T>,
          vector_matrix<T>,
          outer_product<T>,
          column_sum<T>,
          transpose<T>,
          row_products<T>,
          row_sums<T>,
          train_chain<T>,
          copy<T>,
          add<T>,
          multiply<T>,
          scale<T>,
          add_scaled<T>,
          penalty<T>,
          sum_of_squares<T>,
          clip<T>,
          sum_chunks<T>,
          column_moments<T>,
          column_products<T>,
          normalize_columns<T>,
          blend_columns<T>,
          normalize_rows<T>,
          normalize_rows_backward<T>,
          largest_piece<T>,
          largest_piece_backward<T>,
          gather<T>,
          gather_columns<T>,
          find_not_finite<T>,
          dropout_mask<T>,
          uniform<T>,
          normal<T>};
}

}  // namespace

extern const KernelTables MULTICAPA_TABLES(MULTICAPA_ISA);
const KernelTables MULTICAPA_TABLES(MULTICAPA_ISA) = {make_table<float>(), make_table<double>()};

}  // namespace multicapa
