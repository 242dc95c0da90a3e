// Numbers on their way into the tiles of AMX (see amx.cpp): cut into three parts, and laid side by side as the tiles
// are read.

inline __m512i bits(__m512 v) { return _mm512_castps_si512(v); }
inline __m512 numbers(__m512i v) { return _mm512_castsi512_ps(v); }

inline __m512 leading_bits(__m512 v) {
  return numbers(_mm512_and_si512(bits(v), _mm512_set1_epi32(static_cast<int>(0xffff0000u))));
}
// The nearest number of 8 significant bits; ties away from zero. What is left has either sign.
inline __m512 nearest(__m512 v) { return leading_bits(numbers(_mm512_add_epi32(bits(v), _mm512_set1_epi32(0x8000)))); }

// The upper halves of both, side by side in each element.
inline __m512i join(__m512 low, __m512 high) {
  return _mm512_mask_blend_epi16(0xaaaaaaaau, _mm512_srli_epi32(bits(low), 16), bits(high));
}

inline void store_parts(float* to, bool left, __m512 low, __m512 high) {
  const __m512 low_1 = nearest(low), high_1 = nearest(high);
  const __m512 low_rest = _mm512_sub_ps(low, low_1), high_rest = _mm512_sub_ps(high, high_1);
  _mm512_store_si512(to + (left ? 0 : 2) * part_distance, join(low_1, high_1));
  _mm512_store_si512(to + part_distance, join(low_rest, high_rest));
  _mm512_store_si512(to + (left ? 2 : 0) * part_distance, join(_mm512_sub_ps(low_rest, leading_bits(low_rest)),
                                                               _mm512_sub_ps(high_rest, leading_bits(high_rest))));
}

inline __mmask16 first_lanes(Size count) {
  return static_cast<__mmask16>(count >= side ? 0xffff : count <= 0 ? 0 : (1u << count) - 1);
}

// The columns of 16 rows, of which the last may be missing.
inline void transpose_square(const float* x, Size stride, Size rows, __mmask16 lanes, __m512* column) {
  const __m512i low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  const __m512i high = _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  __m512 row[side];
#pragma GCC unroll 16
  for (Size i = 0; i < side; ++i)
    row[i] = _mm512_maskz_loadu_ps(i < rows ? lanes : __mmask16(0), x + (i < rows ? i : 0) * stride);
#pragma GCC unroll 4
  for (int round = 0; round < 4; ++round) {
    __m512 mixed[side];
#pragma GCC unroll 8
    for (Size i = 0; i < side / 2; ++i) {
      mixed[2 * i] = _mm512_permutex2var_ps(row[i], low, row[i + side / 2]);
      mixed[2 * i + 1] = _mm512_permutex2var_ps(row[i], high, row[i + side / 2]);
    }
#pragma GCC unroll 16
    for (Size i = 0; i < side; ++i) row[i] = mixed[i];
  }
#pragma GCC unroll 16
  for (Size i = 0; i < side; ++i) column[i] = row[i];
}

// One triple of tiles from rows that run along the depth: element (row, p) on the left, (p, row) on the right.
inline void pack_along(const float* x, Size stride, Size rows, Size depth, bool left, float* packed) {
  const __mmask16 low = first_lanes(depth), high = first_lanes(depth - side);
  if (!left) {
    __m512 near[side], far[side];
    transpose_square(x, stride, rows, low, near);
    transpose_square(x + side, stride, rows, high, far);
    for (Size p = 0; p < side; ++p) store_parts(packed + p * side, left, near[p], far[p]);
    return;
  }
  for (Size r = 0; r < rows; ++r, x += stride)
    store_parts(packed + r * side, left, _mm512_maskz_loadu_ps(low, x), _mm512_maskz_loadu_ps(high, x + side));
  for (Size r = rows; r < side; ++r) store_parts(packed + r * side, left, _mm512_setzero_ps(), _mm512_setzero_ps());
}

// One triple of tiles from rows of one depth each: element (column, p) on the left, (p, column) on the right.
inline void pack_across(const float* x, Size stride, Size depth, Size columns, bool left, float* packed) {
  const __mmask16 lanes = first_lanes(columns);
  if (left) {
    __m512 near[side], far[side];
    transpose_square(x, stride, depth, lanes, near);
    transpose_square(x + side * stride, stride, depth - side, lanes, far);
    for (Size c = 0; c < side; ++c) store_parts(packed + c * side, left, near[c], far[c]);
    return;
  }
  const auto row = [&](Size k) {
    return k < depth ? _mm512_maskz_loadu_ps(lanes, x + k * stride) : _mm512_setzero_ps();
  };
  for (Size p = 0; p < side; ++p) store_parts(packed + p * side, left, row(p), row(p + side));
}

// The numbers of a part of an operand begin here.
inline const float* origin(const Operand<float>& x, Size outer, Size depth) {
  return x.data + (x.lies == DepthLies::along_rows ? outer * x.stride + depth : depth * x.stride + outer);
}

void pack_range(const Operand<float>& x, bool left, Range outer, Range depth, TileRows<float> packed) {
  const bool along = x.lies == DepthLies::along_rows;
  const float* first = origin(x, outer.first, depth.first);
  for (Size o = 0; o < outer.count; o += side)
    for (Size k = 0; k < depth.count; k += tile_depth) {
      const Size here = least(outer.count - o, side), deep = least(depth.count - k, tile_depth);
      float* tiles = packed.at(o / side) + k / tile_depth * step_distance;
      if (along) pack_along(first + o * x.stride + k, x.stride, here, deep, left, tiles);
      else pack_across(first + k * x.stride + o, x.stride, deep, here, left, tiles);
    }
}
