// C = A·B for matrices whose B panel streams from the caches: the form of every product in a small or medium
// network. A tile of C stays in registers over the whole depth, while numbers of A are broadcast one at a time. A may
// lie by rows, as in a·W and Δ·Wᵗ (with Wᵗ stored), or by columns, as in aᵗ·Δ.

// Rows of a tile by its registers per row: as many accumulators as leave room for a line of B and a broadcast, and
// at least eight, which hide the latency of the FMA. Broad tiles load less: 6 × 4 reads 10 registers for 24 FMAs.
#if MULTICAPA_VECTOR_BYTES == 64 || defined(__aarch64__)
constexpr int tile_rows[] = {0, 16, 12, 9, 6};  // of 32 registers
#else
constexpr int tile_rows[] = {0, 12, 6, 4};  // of 16 registers
#endif
// With AVX-512 a register that is masked costs no more than a whole one, and the tiles for whole ones can be spared.
constexpr bool masks_are_free = MULTICAPA_VECTOR_BYTES == 64;
constexpr int tallest_tile = 16, broadest_tile = sizeof tile_rows / sizeof *tile_rows - 1;
// With narrower registers BLAS is ahead in large products.
template <class T> constexpr Size block_columns = MULTICAPA_VECTOR_BYTES == 64 ? broadest_tile * width<T> : 0;

template <class T> struct GemmOperands {
  const T* a;
  Size a_row, a_column;
  const T* b;
  Size b_stride;
  T* c;
  Size c_stride;
  Size depth;
  // What the registers of a tile start from: zeros, a bias, or C itself.
  const T* start;
  Size start_row, start_panel;
};

// How A lies: by rows (a_column is 1) or by columns (a_row is 1). The tile's addresses depend on it.
enum class Lie { rows, columns };

// Keeps the compiler from computing a number anew, or folding it into others: it shall stay in a register.
inline void settle(Size& number) { asm("" : "+r"(number)); }

// The addresses of `Rows` numbers of A, at depth k + u for u < 2. By rows, a row's distance is an odd multiple of the
// stride times 1, 2, 4 or 8, which an address can hold; sixteen distances would not fit into the general registers.
template <class T, int Rows, Lie lie> struct Factors {
  const char* at;
  Size step[lie == Lie::rows ? (Rows + 1) / 2 : 1];

  Factors(const GemmOperands<T>& o, Size row) : at(reinterpret_cast<const char*>(o.a + row * o.a_row)) {
    unrolled<sizeof step / sizeof *step>([&](auto i) {
      step[i] = (2 * i + 1) * static_cast<Size>(sizeof(T)) * (lie == Lie::rows ? o.a_row : o.a_column);
      settle(step[i]);
    });
  }
  template <int Row, int U> T get() const {
    constexpr int stepped = lie == Lie::rows ? Row : U, shift = stepped ? __builtin_ctz(stepped) : 0;
    constexpr int constant = (lie == Lie::rows ? U : Row) * static_cast<int>(sizeof(T));
    const char* source = stepped ? at + (step[(stepped >> shift) / 2] << shift) : at;
    return *reinterpret_cast<const T*>(source + constant);
  }
  template <int U> void advance() { at += lie == Lie::rows ? U * static_cast<Size>(sizeof(T)) : U * step[0]; }
};

// Rows × (Panels registers) of C; with Tail the last register of a row holds only `tail` columns. Everything that
// indexes `sum` is unrolled by hand: only then does it live in registers.
template <class T, int Rows, int Panels, bool Tail, Lie lie>
void gemm_tile(const GemmOperands<T>& o, const T* start, Size row, Size column, Size tail) {
  const auto get = [&](const T* source, auto panel) __attribute__((always_inline)) {
    constexpr bool partial = Tail && panel == Panels - 1;
    if constexpr (partial) return load_partial(source, tail);
    else return load(source);
  };
  Vector<T> sum[Rows][Panels];
  unrolled<Rows>([&](auto r) {
    unrolled<Panels>([&](auto p) { sum[r][p] = get(start + p * o.start_panel, p); });
    start += o.start_row;
  });

  Factors<T, Rows, lie> factors(o, row);
  const char* b = reinterpret_cast<const char*>(o.b + column);
  Size b_stride = o.b_stride * static_cast<Size>(sizeof(T));
  settle(b_stride);
  const auto multiply = [&](const char* b_row, auto u) __attribute__((always_inline)) {
    Vector<T> line[Panels];
    unrolled<Panels>([&](auto p) { line[p] = get(reinterpret_cast<const T*>(b_row) + p * width<T>, p); });
    unrolled<Rows>([&](auto r) {
      const Vector<T> factor = broadcast<T>(factors.template get<r, u>());
      unrolled<Panels>([&](auto p) { sum[r][p] += factor * line[p]; });
    });
  };
  // Two at a time where the registers are many, since what counts and moves pointers runs on the ports of the FMAs.
  Size k = o.depth;
  if constexpr (MULTICAPA_VECTOR_BYTES == 64)
    for (; k >= 2; k -= 2, b += 2 * b_stride, factors.template advance<2>()) {
      multiply(b, Constant<0>{});
      multiply(b + b_stride, Constant<1>{});
    }
  for (; k > 0; --k, b += b_stride, factors.template advance<1>()) multiply(b, Constant<0>{});

  T* c = o.c + row * o.c_stride + column;
  unrolled<Rows>([&](auto r) {
    unrolled<Panels>([&](auto p) {
      constexpr bool partial = Tail && p == Panels - 1;
      if constexpr (partial) store_partial(c + p * width<T>, sum[r][p], tail);
      else store(c + p * width<T>, sum[r][p]);
    });
    c += o.c_stride;
  });
}

template <class T> using GemmTile = void (*)(const GemmOperands<T>&, const T*, Size, Size, Size);

template <class T, int Panels, bool Tail, Lie lie, int Rows> constexpr GemmTile<T> tile_of_height() {
  if constexpr (Rows <= tile_rows[Panels]) return gemm_tile<T, Rows, Panels, Tail, lie>;
  else return nullptr;
}

// Every height of tile, for one width.
template <class T, int Panels, bool Tail, Lie lie>
constexpr GemmTile<T> gemm_tiles[tallest_tile + 1] = {
    nullptr,
    tile_of_height<T, Panels, Tail, lie, 1>(),
    tile_of_height<T, Panels, Tail, lie, 2>(),
    tile_of_height<T, Panels, Tail, lie, 3>(),
    tile_of_height<T, Panels, Tail, lie, 4>(),
    tile_of_height<T, Panels, Tail, lie, 5>(),
    tile_of_height<T, Panels, Tail, lie, 6>(),
    tile_of_height<T, Panels, Tail, lie, 7>(),
    tile_of_height<T, Panels, Tail, lie, 8>(),
    tile_of_height<T, Panels, Tail, lie, 9>(),
    tile_of_height<T, Panels, Tail, lie, 10>(),
    tile_of_height<T, Panels, Tail, lie, 11>(),
    tile_of_height<T, Panels, Tail, lie, 12>(),
    tile_of_height<T, Panels, Tail, lie, 13>(),
    tile_of_height<T, Panels, Tail, lie, 14>(),
    tile_of_height<T, Panels, Tail, lie, 15>(),
    tile_of_height<T, Panels, Tail, lie, 16>(),
};

// Where the tile at (row, column) starts. A number for each row is first spread over a register, in `spread`.
template <class T>
inline const T* tile_start(const GemmOperands<T>& o, const T* bias_of_rows, Size row, Size rows, Size column,
                           T* spread) {
  if (!bias_of_rows) return o.start + row * o.start_row + column / width<T> * o.start_panel;
  for (Size r = 0; r < rows; ++r) store(spread + r * width<T>, broadcast<T>(bias_of_rows[row + r]));
  return spread;
}

// One column panel over all rows, cut into tiles of nearly equal height: 25 rows are 9 + 8 + 8, not 12 + 12 + 1.
template <class T, int Panels, bool Tail, Lie lie>
inline void gemm_panel(const GemmOperands<T>& o, const T* bias_of_rows, Size rows, Size column, Size tail) {
  T spread[tallest_tile * width<T>];
  const Size count = (rows + tile_rows[Panels] - 1) / tile_rows[Panels];
  for (Size t = 0; t < count; ++t) {
    const Size first = rows * t / count, height = rows * (t + 1) / count - first;
    const T* start = tile_start(o, bias_of_rows, first, height, column, spread);
    gemm_tiles<T, Panels, Tail, lie>[height](o, start, first, column, tail);
  }
}

template <class T, Lie lie, int Panels = broadest_tile>
inline void gemm_panels(const GemmOperands<T>& o, const T* bias_of_rows, Size rows, Size column, Size panels,
                        Size tail) {
  if constexpr (Panels > 0) {
    if (panels < Panels) return gemm_panels<T, lie, Panels - 1>(o, bias_of_rows, rows, column, panels, tail);
    if (masks_are_free || tail < width<T>) gemm_panel<T, Panels, true, lie>(o, bias_of_rows, rows, column, tail);
    else gemm_panel<T, Panels, masks_are_free, lie>(o, bias_of_rows, rows, column, tail);
  }
}

// How many of the registers that are left in a row the next tiles take: the broadest tile, unless a narrow one would
// stand alone at the end: 5 are 3 + 2, 9 are 3 + 3 + 3.
inline Size next_panels(Size left) {
  if (left <= broadest_tile) return left;
  const Size over = left % broadest_tile;
  return over == 0 || over == broadest_tile - 1 ? broadest_tile : broadest_tile - 1;
}

// A single row has too few accumulators to hide the latency of the FMA in a narrow tile: take it broadly.
template <class T> inline Size gemm_single_row(const GemmOperands<T>& o, const T* bias_of_rows, Size columns) {
  T spread[width<T>];
  Size column = 0;
  for (; column + 8 * width<T> <= columns; column += 8 * width<T>)
    gemm_tile<T, 1, 8, false, Lie::columns>(o, tile_start(o, bias_of_rows, 0, 1, column, spread), 0, column, 0);
  return column;
}

// All columns from `column` on.
template <class T, Lie lie>
inline void gemm_columns(const GemmOperands<T>& o, const T* bias_of_rows, Size rows, Size column, Size columns) {
  while (column < columns) {
    const Size left = columns - column, panels = next_panels((left + width<T> - 1) / width<T>);
    const Size over = left - (panels - 1) * width<T>, tail = over < width<T> ? over : width<T>;
    gemm_panels<T, lie>(o, bias_of_rows, rows, column, panels, tail);
    column += panels * width<T>;
  }
}

template <class T> alignas(MULTICAPA_VECTOR_BYTES) constexpr T zeros[width<T>] = {};

template <class T>
void gemm(GemmShape shape, const T* a, Size a_row, Size a_column, const T* b, Size b_stride, GemmBias<T> bias, T* c,
          Size c_stride, bool accumulate) {
  GemmOperands<T> o{a, a_row, a_column, b, b_stride, c, c_stride, shape.depth, zeros<T>, 0, 0};
  if (accumulate) o.start = c, o.start_row = c_stride, o.start_panel = width<T>;
  else if (bias.per_column) o.start = bias.per_column, o.start_panel = width<T>;
  else if (bias.per_row) o.start_row = width<T>;
  const T* bias_of_rows = accumulate ? nullptr : bias.per_row;
  const Size column = shape.rows == 1 ? gemm_single_row(o, bias_of_rows, shape.columns) : 0;
  if (a_column == 1) gemm_columns<T, Lie::rows>(o, bias_of_rows, shape.rows, column, shape.columns);
  else gemm_columns<T, Lie::columns>(o, bias_of_rows, shape.rows, column, shape.columns);
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
