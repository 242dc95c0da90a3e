// Products by weights packed once for all steps: a tile's numbers of A lie in the order in which it reads them, so that
// neither the stride of the weights nor the caches' sets matter.

#if MULTICAPA_VECTOR_BYTES == 64 || defined(__aarch64__)
constexpr int packed_height = 12;  // of 32 registers, two for each row
#else
constexpr int packed_height = 6;  // of 16
#endif

// body(first, height) for tiles of nearly equal height.
template <class Body> inline void for_tiles(Size rows, Body body) {
  const Size count = (rows + packed_height - 1) / packed_height;
  for (Size t = 0; t < count; ++t) {
    const Size first = rows * t / count;
    body(first, rows * (t + 1) / count - first);
  }
}

template <class T> void pack(const T* a, Size row, Size column, Size rows, Size depth, T* packed) {
  for_tiles(rows, [&](Size first, Size height) {
    const T* from = a + first * row;
    for (Size k = 0; k < depth; ++k, from += column)
      for (Size r = 0; r < height; ++r) *packed++ = from[r * row];
  });
}

template <class T, int Rows, int Panels> void packed_tile(const PackedProduct<T>& o, Size first, Size column) {
  Vector<T> sum[Rows][Panels];
  T* c = o.c + first * o.stride + column;
  unrolled<Rows>([&](auto r) {
    const Vector<T> bias = o.bias ? broadcast<T>(o.bias[first + r]) : Vector<T>{};
    unrolled<Panels>([&](auto p) { sum[r][p] = o.accumulate ? load(c + r * o.stride + p * width<T>) : bias; });
  });
  for (int term = 0; term < 2; ++term) {
    const auto& t = o.terms[term];
    if (t.depth == 0) continue;
    const T *a = t.packed + first * t.depth, *b = t.b + column;
    for (Size k = 0; k < t.depth; ++k, a += Rows, b += t.stride) {
      Vector<T> line[Panels];
      unrolled<Panels>([&](auto p) { line[p] = load(b + p * width<T>); });
      unrolled<Rows>([&](auto r) {
        const Vector<T> factor = broadcast<T>(a[r]);
        unrolled<Panels>([&](auto p) { sum[r][p] += factor * line[p]; });
      });
    }
  }
  unrolled<Rows>(
      [&](auto r) { unrolled<Panels>([&](auto p) { store<T>(c + r * o.stride + p * width<T>, sum[r][p]); }); });
}

template <class T> using PackedTile = void (*)(const PackedProduct<T>&, Size, Size);
template <class T, int Panels, int Rows> constexpr PackedTile<T> packed_tile_of_height() {
  if constexpr (Rows <= packed_height) return packed_tile<T, Rows, Panels>;
  else return nullptr;
}

// Every height of tile, for one width.
template <class T, int Panels>
constexpr PackedTile<T> packed_tiles[] = {
    nullptr,
    packed_tile_of_height<T, Panels, 1>(),
    packed_tile_of_height<T, Panels, 2>(),
    packed_tile_of_height<T, Panels, 3>(),
    packed_tile_of_height<T, Panels, 4>(),
    packed_tile_of_height<T, Panels, 5>(),
    packed_tile_of_height<T, Panels, 6>(),
    packed_tile_of_height<T, Panels, 7>(),
    packed_tile_of_height<T, Panels, 8>(),
    packed_tile_of_height<T, Panels, 9>(),
    packed_tile_of_height<T, Panels, 10>(),
    packed_tile_of_height<T, Panels, 11>(),
    packed_tile_of_height<T, Panels, 12>(),
};

template <class T> void multiply_packed(const PackedProduct<T>& o) {
  for_tiles(o.rows, [&](Size first, Size height) {
    Size column = 0;
    for (; column + 2 * width<T> <= o.columns; column += 2 * width<T>) packed_tiles<T, 2>[height](o, first, column);
    if (column < o.columns) packed_tiles<T, 1>[height](o, first, column);
  });
}
