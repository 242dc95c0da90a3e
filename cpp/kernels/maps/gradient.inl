// The gradient of filters: dw = Σ over samples and pixels of x ⊗ dy.

// The outputs of an axis to which a tap brings something.
struct Span {
  Size first, last;
};

inline Span outputs_of(const WindowAxis& axis, Size tap) {
  const Size start = axis.before - tap * axis.dilation;  // the output that sees input 0 is start / stride
  const Size first = start <= 0 ? 0 : ceil_divide(start, axis.stride);
  const Size last = smaller(axis.out, floor_divide(axis.in - 1 + start, axis.stride) + 1);
  return {first, larger(first, last)};
}

inline Span common(Span a, Span b) {
  const Size first = larger(a.first, b.first);
  return {first, larger(first, smaller(a.last, b.last))};
}

// ---- samples as columns: products of registers, summed over their lanes at the very end ----

// Filters of a tile, and how many taps go with them: as many sums as leave registers for a line of either side.
constexpr Size most_filters = 4;
#if MULTICAPA_VECTOR_BYTES == 64 || defined(__aarch64__)
constexpr int gradient_taps[] = {0, 16, 12, 8, 6};
#else
constexpr int gradient_taps[] = {0, 8, 6, 4, 3};
#endif

// The pixels of a rectangle of outputs, and where x and dy lie for the first of them.
template <class T> struct GradientWalk {
  const T *x, *dy;
  Size rows, columns;              // of the rectangle
  Size x_row, x_column;            // numbers from pixel to pixel
  Size dy_row, dy_column, filter;  // and from filter to filter
  Size samples;
};

// totals[tap · Filters + filter] = Σ x dy, x being at an offset for each tap.
template <class T, int Taps, int Filters>
void gradient_tile(const GradientWalk<T>& walk, const Size* offsets, T* dw, Size dw_row) {
  Vector<T> sum[Taps][Filters];
  unrolled<Taps>([&](auto t) { unrolled<Filters>([&](auto f) { sum[t][f] = Vector<T>{}; }); });
  const char* offset[Taps];
  unrolled<Taps>([&](auto t) { offset[t] = reinterpret_cast<const char*>(offsets[t] * static_cast<Size>(sizeof(T))); });
  const Size filter = walk.filter;
  const auto add = [&](const T* x, const T* dy, auto part) __attribute__((always_inline)) {
    Vector<T> line[Filters];
    unrolled<Filters>([&](auto f) { line[f] = part.get(dy + f * filter); });
    unrolled<Taps>([&](auto t) {
      const Vector<T> value =
          part.get(reinterpret_cast<const T*>(reinterpret_cast<Size>(offset[t]) + reinterpret_cast<const char*>(x)));
      unrolled<Filters>([&](auto f) { sum[t][f] += value * line[f]; });
    });
  };
  const Size whole = walk.samples / width<T> * width<T>, rest = walk.samples - whole;
  for (Size r = 0; r < walk.rows; ++r) {
    const T *x = walk.x + r * walk.x_row, *dy = walk.dy + r * walk.dy_row;
    for (Size c = walk.columns; c > 0; --c, x += walk.x_column, dy += walk.dy_column)
      for (Size s = 0; s < whole; s += width<T>) add(x + s, dy + s, Whole<T>{});
  }
  if (rest > 0)
    for (Size r = 0; r < walk.rows; ++r) {
      const T *x = walk.x + r * walk.x_row + whole, *dy = walk.dy + r * walk.dy_row + whole;
      for (Size c = walk.columns; c > 0; --c, x += walk.x_column, dy += walk.dy_column) add(x, dy, Part<T>{rest});
    }
  constexpr int squares = (Taps * Filters + static_cast<int>(width<T>) - 1) / static_cast<int>(width<T>);
  T totals[squares * width<T>];
  unrolled<squares>([&](auto q) {
    Vector<T> square[width<T>];
    unrolled<static_cast<int>(width<T>)>([&](auto i) {
      constexpr int place = q * static_cast<int>(width<T>) + i;
      if constexpr (place < Taps * Filters) square[i] = sum[place / Filters][place % Filters];
      else square[i] = Vector<T>{};
    });
    store<T>(totals + q * width<T>, sum_square<T>(square));
  });
  for (int t = 0; t < Taps; ++t)
    for (int f = 0; f < Filters; ++f) dw[t * dw_row + f] += totals[t * Filters + f];
}

template <class T> using GradientTile = void (*)(const GradientWalk<T>&, const Size*, T*, Size);

template <class T, int Filters, int Taps> constexpr GradientTile<T> gradient_tile_of() {
  if constexpr (Taps <= gradient_taps[Filters]) return gradient_tile<T, Taps, Filters>;
  else return nullptr;
}

template <class T, int Filters>
constexpr GradientTile<T> gradient_tiles_of[] = {
    nullptr,
    gradient_tile_of<T, Filters, 1>(),
    gradient_tile_of<T, Filters, 2>(),
    gradient_tile_of<T, Filters, 3>(),
    gradient_tile_of<T, Filters, 4>(),
    gradient_tile_of<T, Filters, 5>(),
    gradient_tile_of<T, Filters, 6>(),
    gradient_tile_of<T, Filters, 7>(),
    gradient_tile_of<T, Filters, 8>(),
    gradient_tile_of<T, Filters, 9>(),
    gradient_tile_of<T, Filters, 10>(),
    gradient_tile_of<T, Filters, 11>(),
    gradient_tile_of<T, Filters, 12>(),
    gradient_tile_of<T, Filters, 13>(),
    gradient_tile_of<T, Filters, 14>(),
    gradient_tile_of<T, Filters, 15>(),
    gradient_tile_of<T, Filters, 16>(),
};

template <class T>
constexpr const GradientTile<T>* gradient_tiles[] = {nullptr, gradient_tiles_of<T, 1>, gradient_tiles_of<T, 2>,
                                                     gradient_tiles_of<T, 3>, gradient_tiles_of<T, 4>};

// One tap of one group: where its input is for output (0, 0), and the outputs to which it brings something.
struct Tap {
  Size offset;
  Span down, across;
};

// The taps of a group in the order of the weights.
struct TapWalk {
  const WindowShape& shape;
  Size offset;  // of the group's channels
  Size down = 0, across = 0, channel = 0;
  Tap tap{};

  TapWalk(const WindowShape& s, Size group) : shape(s), offset(group * (s.channels / s.groups)) { place(); }

  void place() {
    const WindowAxis &v = shape.vertical, &h = shape.horizontal;
    const Size y = down * v.dilation - v.before, x = across * h.dilation - h.before;
    tap = {(y * h.in + x) * shape.channels + offset, outputs_of(v, down), outputs_of(h, across)};
  }
  Tap next() {
    const Tap here = tap;
    ++tap.offset;
    if (++channel < shape.channels / shape.groups) return here;
    channel = 0;
    if (++across == shape.horizontal.taps) across = 0, ++down;
    place();
    return here;
  }
};

// A rectangle of outputs.
struct Area {
  Span down, across;
};

// The deltas of a few filters are copied to where they lie side by side: gone through in strides, which are powers of
// two more often than not, they would share few sets of the cache.
constexpr Size packed_bytes = 16 * 1024;
template <class T> constexpr Size most_packed = packed_bytes / sizeof(T);

template <class T> struct ColumnsGradient {
  const WindowShape& shape;
  Size samples;
  Matrix<const T> x, dy;
  T* packed;
  Area area{};  // what is packed
  Size filters = 0;

  // A tile's taps over the outputs of a rectangle.
  void run(const Tap* taps, int count, Span down, Span across, T* dw) const {
    if (down.first == down.last || across.first == across.last) return;
    Size offsets[tallest_tile];
    for (int t = 0; t < count; ++t) offsets[t] = taps[t].offset * x.stride;
    const WindowAxis &v = shape.vertical, &h = shape.horizontal;
    GradientWalk<T> walk;
    walk.x_column = h.stride * shape.channels * x.stride, walk.x_row = v.stride * h.in * shape.channels * x.stride;
    walk.dy_column = filters * dy.stride, walk.dy_row = (area.across.last - area.across.first) * walk.dy_column;
    walk.x = x.data + down.first * walk.x_row + across.first * walk.x_column;
    walk.dy =
        packed + (down.first - area.down.first) * walk.dy_row + (across.first - area.across.first) * walk.dy_column;
    walk.rows = down.last - down.first, walk.columns = across.last - across.first;
    walk.filter = dy.stride, walk.samples = samples;
    gradient_tiles<T>[filters][count](walk, offsets, dw, shape.filters);
  }

  // What the taps of a tile do not have in common: the strips around it.
  void borders(const Tap& tap, Span down, Span across, T* dw) const {
    const Span middle = common(tap.down, down);
    if (middle.first == middle.last) return run(&tap, 1, tap.down, tap.across, dw);
    run(&tap, 1, {tap.down.first, middle.first}, tap.across, dw);
    run(&tap, 1, {middle.last, tap.down.last}, tap.across, dw);
    run(&tap, 1, middle, {tap.across.first, across.first}, dw);
    run(&tap, 1, middle, {across.last, tap.across.last}, dw);
  }

  void tile(const Tap* taps, int count, T* dw) const {
    Span down = taps[0].down, across = taps[0].across;
    bool differ = false;
    for (int t = 1; t < count; ++t) {
      differ |= taps[t].down.first != down.first || taps[t].down.last != down.last;
      differ |= taps[t].across.first != across.first || taps[t].across.last != across.last;
      down = common(down, taps[t].down), across = common(across, taps[t].across);
    }
    if (down.first == down.last || across.first == across.last) down.last = down.first, across.last = across.first;
    run(taps, count, down, across, dw);
    for (int t = 0; differ && t < count; ++t) borders(taps[t], down, across, dw + t * shape.filters);
  }

  void pack(Size first) const {
    const Size size = filters * dy.stride;
    T* to = packed;
    for (Size y = area.down.first; y < area.down.last; ++y)
      for (Size c = area.across.first; c < area.across.last; ++c, to += size) {
        const T* from = dy.data + ((y * shape.horizontal.out + c) * shape.filters + first) * dy.stride;
        for_vectors<T>(size, [&](Size i, auto part) { part.put(to + i, part.get(from + i)); });
      }
  }

  // All taps of a group for the filters and outputs that are packed.
  void all_taps(Size g, T* dw) const {
    const Size taps = shape.vertical.taps * shape.horizontal.taps * (shape.channels / shape.groups);
    const Size tiles = (taps + gradient_taps[filters] - 1) / gradient_taps[filters];
    TapWalk walk(shape, g);
    for (Size n = 0; n < tiles; ++n) {
      const Size from = taps * n / tiles, to = taps * (n + 1) / tiles;
      Tap some[tallest_tile];
      for (Size t = from; t < to; ++t) {
        const Tap tap = walk.next();
        some[t - from] = {tap.offset, common(tap.down, area.down), common(tap.across, area.across)};
      }
      tile(some, static_cast<int>(to - from), dw + from * shape.filters);
    }
  }

  void group(Size g, T* dw) {
    const Size all = shape.filters / shape.groups, parts = (all + most_filters - 1) / most_filters;
    const Size down = shape.vertical.out, across = shape.horizontal.out;
    for (Size p = 0; p < parts; ++p) {
      const Size first = g * all + all * p / parts, last = g * all + all * (p + 1) / parts;
      filters = last - first;
      const Size pixels = larger(1, packed_bytes / (filters * dy.stride * static_cast<Size>(sizeof(T))));
      const Size columns = smaller(pixels, across), rows = smaller(larger(1, pixels / across), down);
      for (Size y = 0; y < down; y += rows)
        for (Size c = 0; c < across; c += columns) {
          area = {{y, smaller(y + rows, down)}, {c, smaller(c + columns, across)}};
          pack(first);
          all_taps(g, dw + first);
        }
    }
  }
};

// db: the sums over the pixels, register by register and four filters at a time, and over the lanes at the end.
template <class T, int Filters>
void bias_gradient_tile(Size pixels, Size step, Size samples, const T* dy, Size stride, T* db) {
  Vector<T> sum[Filters][2] = {};
  for (Size p = 0; p < pixels; ++p, dy += step) {
    Size s = 0;
    for (; s + 2 * width<T> <= samples; s += 2 * width<T>)
      unrolled<Filters>(
          [&](auto f) { sum[f][0] += load(dy + f * stride + s), sum[f][1] += load(dy + f * stride + s + width<T>); });
    for (; s < samples; s += width<T>)
      unrolled<Filters>([&](auto f) {
        const T* from = dy + f * stride + s;
        sum[f][0] += s + width<T> <= samples ? load(from) : load_partial(from, samples - s);
      });
  }
  unrolled<Filters>([&](auto f) { db[f] += sum_lanes<T>(sum[f][0] + sum[f][1]); });
}

template <class T> void bias_gradient_columns(Size pixels, Size filters, Size samples, Matrix<const T> dy, T* db) {
  Size f = 0;
  for (; f + 4 <= filters; f += 4)
    bias_gradient_tile<T, 4>(pixels, filters * dy.stride, samples, dy.data + f * dy.stride, dy.stride, db + f);
  for (; f < filters; ++f)
    bias_gradient_tile<T, 1>(pixels, filters * dy.stride, samples, dy.data + f * dy.stride, dy.stride, db + f);
}

// ---- samples as rows: a product for each tap, channels × filters, whose depth are pixels ----

constexpr Size near_bytes = 24 * 1024;  // of maps whose numbers are gone through once for every tap

template <class T> struct RowsGradient {
  const WindowShape& shape;
  Matrix<const T> x, dy;

  // Outputs of these rows, of these samples.
  void part(Span rows, Span samples, T* dw) const {
    const WindowAxis &v = shape.vertical, &h = shape.horizontal;
    const Size channels = shape.channels / shape.groups, filters = shape.filters / shape.groups;
    TapOperands<T> o{};
    o.a_row = 1, o.a_column = h.stride * shape.channels;
    o.b_stride = o.c_stride = shape.filters;
    o.start_row = shape.filters, o.start_panel = width<T>;
    o.inner = {samples.last - samples.first, x.stride, dy.stride};
    const bool joined = joins_taps();
    for (Size down = 0; down < v.taps; ++down) {
      const Span at = common(rows, outputs_of(v, down));
      if (at.first == at.last) continue;
      o.outer = {at.last - at.first, v.stride * h.in * shape.channels, h.out * shape.filters};
      const Size y = at.first * v.stride + down * v.dilation - v.before;
      for (Size across = 0; across < (joined ? 1 : h.taps); ++across) {
        const Span pixels = outputs_of(h, across);
        o.depth = pixels.last - pixels.first;
        if (o.depth == 0) continue;
        const Size place = pixels.first * h.stride + across * h.dilation - h.before;
        for (Size g = 0; g < shape.groups; ++g) {
          o.a = x.data + samples.first * x.stride + (y * h.in + place) * shape.channels + g * channels;
          o.b = dy.data + samples.first * dy.stride + (at.first * h.out + pixels.first) * shape.filters + g * filters;
          o.c = dw + (down * h.taps + across) * channels * shape.filters + g * filters;
          o.start = o.c;
          tap_product<T, Lie::columns>(o, nullptr, joined ? h.taps * channels : channels, filters);
        }
      }
    }
  }

  // Neighbouring taps are rows of one product where all of them see an input from every output.
  bool joins_taps() const {
    const WindowAxis& h = shape.horizontal;
    if (shape.groups != 1 || h.dilation != 1) return false;
    const Span first = outputs_of(h, 0), last = outputs_of(h, h.taps - 1);
    return first.first == 0 && last.first == 0 && first.last == h.out && last.last == h.out;
  }

  void run(T* dw) const {
    const WindowAxis &v = shape.vertical, &h = shape.horizontal;
    const Size row_bytes = static_cast<Size>(sizeof(T)) * (h.out * shape.filters + v.stride * h.in * shape.channels);
    const Size at_once = larger(1, near_bytes / row_bytes);  // rows of outputs
    const Size rows = smaller(at_once, v.out), samples = larger(1, at_once / v.out);
    for (Size n = 0; n < dy.rows; n += samples)
      for (Size y = 0; y < v.out; y += rows)
        part({y, smaller(y + rows, v.out)}, {n, smaller(n + samples, dy.rows)}, dw);
  }
};

template <class T>
void convolution_gradient(const WindowShape& shape, Arrangement arrangement, Size samples, Matrix<const T> x,
                          Matrix<const T> dy, T* dw, T* db, bool accumulate) {
  const Size pixels = shape.vertical.out * shape.horizontal.out;
  const Size weights = shape.vertical.taps * shape.horizontal.taps * (shape.channels / shape.groups) * shape.filters;
  for (Size i = 0; !accumulate && i < weights; ++i) dw[i] = T(0);
  for (Size f = 0; !accumulate && db && f < shape.filters; ++f) db[f] = T(0);
  if (arrangement == Arrangement::samples_as_columns) {
    alignas(64) T packed[most_packed<T>];
    ColumnsGradient<T> gradient{shape, samples, x, dy, packed};
    for (Size g = 0; g < shape.groups; ++g) gradient.group(g, dw);
    if (db) bias_gradient_columns(pixels, shape.filters, samples, dy, db);
    return;
  }
  RowsGradient<T>{shape, x, dy}.run(dw);
  for (Size n = 0; db && n < dy.rows; ++n)
    column_sum<T>({dy.data + n * dy.stride, pixels, shape.filters, shape.filters}, db, true);
}
