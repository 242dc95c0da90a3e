// C = A·B for matrices whose B panel streams from the caches: the form of every product in a small or medium
// network. A tile of C stays in registers over the whole depth; A is read one number at a time and broadcast, so
// its strides are free and the same loop serves a·W, Δ·Wᵗ (with Wᵗ stored) and aᵗ·Δ.

// Rows of a tile by its registers per row: as many accumulators as leave room for a line of B and a broadcast, and
// at least eight, which hide the latency of the FMA.
#if MULTICAPA_VECTOR_BYTES == 64 || defined(__aarch64__)
constexpr int tile_rows[4] = {0, 16, 12, 8};  // of 32 registers
#else
constexpr int tile_rows[4] = {0, 12, 6, 4};  // of 16 registers
#endif
constexpr int tallest_tile = 16;

template <class T> struct GemmOperands {
  const T* a;
  Size a_row, a_column;
  const T* b;
  Size b_stride;
  GemmBias<T> bias;
  T* c;
  Size c_stride;
  Size depth;
  bool accumulate;
};

// Rows × (Panels registers) of C; with Tail the last register of a row holds only `tail` columns. Everything that
// indexes `sum` is unrolled by hand: only then does it live in registers.
template <class T, int Rows, int Panels, bool Tail>
inline void gemm_tile(const GemmOperands<T>& o, Size row, Size column, Size tail) {
  const Size a_row = o.a_row, a_column = o.a_column, b_stride = o.b_stride, c_stride = o.c_stride, depth = o.depth;
  const T *a = o.a + row * a_row, *b = o.b + column;
  T* c = o.c + row * c_stride + column;
  // A large B comes from the outer cache, and its rows lie too far apart for the processor to foresee.
  const bool far = depth * b_stride * static_cast<Size>(sizeof(T)) > 256 * 1024;
  const auto get = [&](const T* source, auto panel) {
    constexpr bool partial = Tail && panel == Panels - 1;
    if constexpr (partial) return load_partial(source + panel * width<T>, tail);
    else return load(source + panel * width<T>);
  };
  Vector<T> sum[Rows][Panels];
  unrolled<Panels>([&](auto p) {
    const Vector<T> start = o.bias.per_column ? get(o.bias.per_column + column, p) : Vector<T>{};
    unrolled<Rows>([&](auto r) {
      const Vector<T> biased = o.bias.per_row ? start + o.bias.per_row[row + r] : start;
      sum[r][p] = o.accumulate ? biased + get(c + r * c_stride, p) : biased;
    });
  });
  for (Size k = 0; k < depth; ++k, a += a_column, b += b_stride) {
    if (far) unrolled<Panels>([&](auto p) { __builtin_prefetch(b + 12 * b_stride + p * width<T>); });
    Vector<T> line[Panels];
    unrolled<Panels>([&](auto p) { line[p] = get(b, p); });
    unrolled<Rows>([&](auto r) {
      const Vector<T> factor = broadcast<T>(a[r * a_row]);
      unrolled<Panels>([&](auto p) { sum[r][p] += factor * line[p]; });
    });
  }
  unrolled<Rows>([&](auto r) {
    unrolled<Panels>([&](auto p) {
      T* target = c + r * c_stride + p * width<T>;
      constexpr bool partial = Tail && p == Panels - 1;
      if constexpr (partial) store_partial(target, sum[r][p], tail);
      else store(target, sum[r][p]);
    });
  });
}

template <class T> using GemmTile = void (*)(const GemmOperands<T>&, Size, Size, Size);

template <class T, int Panels, bool Tail, int Rows> constexpr GemmTile<T> tile_of_height() {
  if constexpr (Rows <= tile_rows[Panels]) return gemm_tile<T, Rows, Panels, Tail>;
  else return nullptr;
}

// Every height of tile, for one width.
template <class T, int Panels, bool Tail>
constexpr GemmTile<T> gemm_tiles[tallest_tile + 1] = {
    nullptr,
    tile_of_height<T, Panels, Tail, 1>(),
    tile_of_height<T, Panels, Tail, 2>(),
    tile_of_height<T, Panels, Tail, 3>(),
    tile_of_height<T, Panels, Tail, 4>(),
    tile_of_height<T, Panels, Tail, 5>(),
    tile_of_height<T, Panels, Tail, 6>(),
    tile_of_height<T, Panels, Tail, 7>(),
    tile_of_height<T, Panels, Tail, 8>(),
    tile_of_height<T, Panels, Tail, 9>(),
    tile_of_height<T, Panels, Tail, 10>(),
    tile_of_height<T, Panels, Tail, 11>(),
    tile_of_height<T, Panels, Tail, 12>(),
    tile_of_height<T, Panels, Tail, 13>(),
    tile_of_height<T, Panels, Tail, 14>(),
    tile_of_height<T, Panels, Tail, 15>(),
    tile_of_height<T, Panels, Tail, 16>(),
};

// One column panel over all rows, cut into tiles of nearly equal height: 25 rows are 9 + 8 + 8, not 12 + 12 + 1.
template <class T, int Panels, bool Tail>
inline void gemm_panel(const GemmOperands<T>& o, Size rows, Size column, Size tail) {
  const Size count = (rows + tile_rows[Panels] - 1) / tile_rows[Panels];
  for (Size t = 0; t < count; ++t) {
    const Size first = rows * t / count, last = rows * (t + 1) / count;
    gemm_tiles<T, Panels, Tail>[last - first](o, first, column, tail);
  }
}

// A single row has too few accumulators to hide the latency of the FMA in a narrow tile: take it broadly.
template <class T> inline Size gemm_single_row(const GemmOperands<T>& o, Size columns) {
  Size column = 0;
  for (; column + 8 * width<T> <= columns; column += 8 * width<T>) gemm_tile<T, 1, 8, false>(o, 0, column, 0);
  for (; column + 4 * width<T> <= columns; column += 4 * width<T>) gemm_tile<T, 1, 4, false>(o, 0, column, 0);
  return column;
}

template <class T>
void gemm(GemmShape shape, const T* a, Size a_row, Size a_column, const T* b, Size b_stride, GemmBias<T> bias, T* c,
          Size c_stride, bool accumulate) {
  const GemmOperands<T> o{a, a_row, a_column, b, b_stride, bias, c, c_stride, shape.depth, accumulate};
  Size column = shape.rows == 1 ? gemm_single_row(o, shape.columns) : 0;
  // Two registers a row as long as more than three are left, so that no last register stands alone.
  for (; shape.columns - column > 3 * width<T>; column += 2 * width<T>)
    gemm_panel<T, 2, false>(o, shape.rows, column, 0);
  const Size left = shape.columns - column, tail = left % width<T>;
  if (left > 2 * width<T>)
    tail ? gemm_panel<T, 3, true>(o, shape.rows, column, tail) : gemm_panel<T, 3, false>(o, shape.rows, column, 0);
  else if (left > width<T>)
    tail ? gemm_panel<T, 2, true>(o, shape.rows, column, tail) : gemm_panel<T, 2, false>(o, shape.rows, column, 0);
  else if (left > 0)
    tail ? gemm_panel<T, 1, true>(o, shape.rows, column, tail) : gemm_panel<T, 1, false>(o, shape.rows, column, 0);
}

template <class T> void matrix_vector(Matrix<const T> x, const T* w, T bias, T* y, Size y_stride) {
  for (Size r = 0; r < x.rows; ++r) {
    const T* row = x.data + r * x.stride;
    Vector<T> sum[4] = {};
    Size k = 0;
    for (; k + 4 * width<T> <= x.columns; k += 4 * width<T>)
      for (int part = 0; part < 4; ++part) sum[part] += load(row + k + part * width<T>) * load(w + k + part * width<T>);
    for (; k + width<T> <= x.columns; k += width<T>) sum[0] += load(row + k) * load(w + k);
    if (k < x.columns) sum[1] += load_partial(row + k, x.columns - k) * load_partial(w + k, x.columns - k);
    y[r * y_stride] = bias + sum_lanes<T>((sum[0] + sum[1]) + (sum[2] + sum[3]));
  }
}

template <class T> void column_sum(Matrix<const T> x, T* sum, bool accumulate) {
  if (x.rows == 1)
    return for_vectors<T>(x.columns, [&](Size i, auto part) {
      part.put(sum + i, accumulate ? part.get(sum + i) + part.get(x.data + i) : part.get(x.data + i));
    });
  auto one_panel = [&](Size column, auto get, auto put) {
    Vector<T> total[4] = {};
    const T* row = x.data + column;
    Size r = 0;
    for (; r + 4 <= x.rows; r += 4, row += 4 * x.stride)
      for (int part = 0; part < 4; ++part) total[part] += get(row + part * x.stride);
    for (; r < x.rows; ++r, row += x.stride) total[0] += get(row);
    const Vector<T> all = (total[0] + total[1]) + (total[2] + total[3]);
    put(sum + column, accumulate ? all + get(sum + column) : all);
  };
  Size column = 0;
  for (; column + width<T> <= x.columns; column += width<T>)
    one_panel(column, [](const T* p) { return load(p); }, [](T* p, Vector<T> v) { store<T>(p, v); });
  if (const Size tail = x.columns - column; tail > 0)
    one_panel(
        column, [=](const T* p) { return load_partial(p, tail); },
        [=](T* p, Vector<T> v) { store_partial(p, v, tail); });
}
