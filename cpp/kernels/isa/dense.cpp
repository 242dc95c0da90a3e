// The kernels of networks of dense layers, and what all networks share: activations, losses, optimisers.

#include "kernels/attention/attention.hpp"
#include "kernels/chain/chain.hpp"
#include "kernels/isa/prelude.hpp"
#include "kernels/maps/maps.hpp"
#include "kernels/recurrent/recurrent.hpp"

namespace multicapa {

extern const MapTables MULTICAPA_TABLES(maps, MULTICAPA_ISA);
extern const AttentionTables MULTICAPA_TABLES(attention, MULTICAPA_ISA);
extern const RecurrentTables MULTICAPA_TABLES(recurrent, MULTICAPA_ISA);

namespace {

template <class T> constexpr const RecurrentKernels<T>* recurrent_kernels() {
  if constexpr (sizeof(T) == sizeof(float)) return &MULTICAPA_TABLES(recurrent, MULTICAPA_ISA).single_precision;
  else return &MULTICAPA_TABLES(recurrent, MULTICAPA_ISA).double_precision;
}

template <class T> constexpr const AttentionKernels<T>* attention_kernels() {
  if constexpr (sizeof(T) == sizeof(float)) return &MULTICAPA_TABLES(attention, MULTICAPA_ISA).single_precision;
  else return &MULTICAPA_TABLES(attention, MULTICAPA_ISA).double_precision;
}

// Each stands on those before it.
// clang-format off
#include "kernels/registers/simd.inl"
#include "kernels/registers/math.inl"
#include "kernels/registers/unrolled.inl"
#include "kernels/registers/loops.inl"
#include "kernels/functions/softmax.inl"
#include "kernels/functions/activations.inl"
#include "kernels/functions/losses.inl"
#include "kernels/functions/optimizers.inl"
#include "kernels/products/gemm.inl"
#include "kernels/products/transpose.inl"
#include "kernels/registers/elementwise.inl"
#include "kernels/products/columns.inl"
#include "kernels/products/single.inl"
#include "kernels/products/narrow.inl"
#include "kernels/chain/chain.inl"
#include "kernels/registers/random.inl"
#include "kernels/functions/norms.inl"
#include "kernels/functions/pieces.inl"
// clang-format on

template <class Row, int N> constexpr int length(const Row (&)[N]) { return N; }

template <class T> constexpr KernelTable<T> make_table(const MapKernels<T>* maps) {
  return {MULTICAPA_NAME(MULTICAPA_ISA),
          width<T>,
          block_columns<T>,
          nullptr,
          maps,
          recurrent_kernels<T>(),
          attention_kernels<T>(),
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

extern const KernelTables MULTICAPA_TABLES(dense, MULTICAPA_ISA);
const KernelTables MULTICAPA_TABLES(dense, MULTICAPA_ISA) = {
    make_table<float>(&MULTICAPA_TABLES(maps, MULTICAPA_ISA).single_precision),
    make_table<double>(&MULTICAPA_TABLES(maps, MULTICAPA_ISA).double_precision)};

}  // namespace multicapa
