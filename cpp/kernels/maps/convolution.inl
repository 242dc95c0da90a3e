// Convolutions as sums of small matrix products, accumulated in registers over all taps of a window.
//
// With samples as columns, a pixel of the result is filters × samples: the weights of a tap are broadcast, its pixels
// are rows. With samples as rows, a run of pixels is pixels × filters: the pixels are broadcast, the weights are rows.
// The way back is the same with the turned weights.

// How many steps, and how far one goes in A and in B.
struct Steps {
  Size count = 1, a = 0, b = 0;
};

// C = start + Σ_i Σ_j A_ij · B_ij, and the same again as often as `again` says, with C at further places.
template <class T> struct TapOperands : GemmOperands<T> {
  Steps outer, inner, again;
  Size again_c = 0;
};

template <class T, int Rows, int Panels, bool Tail, Lie lie>
void tap_tile(const TapOperands<T>& o, const T* start, Size row, Size column, Size tail) {
  const auto get = [&](const T* source, auto panel) __attribute__((always_inline)) {
    constexpr bool partial = Tail && panel == Panels - 1;
    if constexpr (partial) return load_partial(source, tail);
    else return load(source);
  };
  Factors<T, Rows, lie> factors(o, row);
  Size b_stride = o.b_stride * static_cast<Size>(sizeof(T));
  settle(b_stride);
  const char* first_a = factors.at;
  const T* first_b = o.b + column;
  T* first_c = o.c + row * o.c_stride + column;
  for (Size n = o.again.count; n > 0; --n) {
    Vector<T> sum[Rows][Panels];
    const T* from = start;
    unrolled<Rows>([&](auto r) {
      unrolled<Panels>([&](auto p) { sum[r][p] = get(from + p * o.start_panel, p); });
      from += o.start_row;
    });
    const char* outer_a = first_a;
    const T* outer_b = first_b;
    for (Size i = o.outer.count; i > 0; --i) {
      const char* inner_a = outer_a;
      const T* inner_b = outer_b;
      for (Size j = o.inner.count; j > 0; --j) {
        factors.at = inner_a;
        const char* b = reinterpret_cast<const char*>(inner_b);
        for (Size k = o.depth; k > 0; --k, b += b_stride, factors.template advance<1>()) {
          Vector<T> line[Panels];
          unrolled<Panels>([&](auto p) { line[p] = get(reinterpret_cast<const T*>(b) + p * width<T>, p); });
          unrolled<Rows>([&](auto r) {
            const Vector<T> factor = broadcast<T>(factors.template get<r, 0>());
            unrolled<Panels>([&](auto p) { sum[r][p] += factor * line[p]; });
          });
        }
        inner_a += o.inner.a * static_cast<Size>(sizeof(T)), inner_b += o.inner.b;
      }
      outer_a += o.outer.a * static_cast<Size>(sizeof(T)), outer_b += o.outer.b;
    }
    T* c = first_c;
    unrolled<Rows>([&](auto r) {
      unrolled<Panels>([&](auto p) {
        constexpr bool partial = Tail && p == Panels - 1;
        if constexpr (partial) store_partial(c + p * width<T>, sum[r][p], tail);
        else store(c + p * width<T>, sum[r][p]);
      });
      c += o.c_stride;
    });
    first_a += o.again.a * static_cast<Size>(sizeof(T)), first_b += o.again.b, first_c += o.again_c;
  }
}

template <class T> using TapTile = void (*)(const TapOperands<T>&, const T*, Size, Size, Size);

template <class T, int Panels, bool Tail, Lie lie, int Rows> constexpr TapTile<T> tap_tile_of_height() {
  if constexpr (Rows <= tile_rows[Panels]) return tap_tile<T, Rows, Panels, Tail, lie>;
  else return nullptr;
}

template <class T, int Panels, bool Tail, Lie lie>
constexpr TapTile<T> tap_tiles[tallest_tile + 1] = {
    nullptr,
    tap_tile_of_height<T, Panels, Tail, lie, 1>(),
    tap_tile_of_height<T, Panels, Tail, lie, 2>(),
    tap_tile_of_height<T, Panels, Tail, lie, 3>(),
    tap_tile_of_height<T, Panels, Tail, lie, 4>(),
    tap_tile_of_height<T, Panels, Tail, lie, 5>(),
    tap_tile_of_height<T, Panels, Tail, lie, 6>(),
    tap_tile_of_height<T, Panels, Tail, lie, 7>(),
    tap_tile_of_height<T, Panels, Tail, lie, 8>(),
    tap_tile_of_height<T, Panels, Tail, lie, 9>(),
    tap_tile_of_height<T, Panels, Tail, lie, 10>(),
    tap_tile_of_height<T, Panels, Tail, lie, 11>(),
    tap_tile_of_height<T, Panels, Tail, lie, 12>(),
    tap_tile_of_height<T, Panels, Tail, lie, 13>(),
    tap_tile_of_height<T, Panels, Tail, lie, 14>(),
    tap_tile_of_height<T, Panels, Tail, lie, 15>(),
    tap_tile_of_height<T, Panels, Tail, lie, 16>(),
};

template <class T, int Panels, bool Tail, Lie lie>
inline void tap_panel(const TapOperands<T>& o, const T* bias_of_rows, Size rows, Size column, Size tail) {
  T spread[tallest_tile * width<T>];
  const Size count = (rows + tile_rows[Panels] - 1) / tile_rows[Panels];
  for (Size t = 0; t < count; ++t) {
    const Size first = rows * t / count, height = rows * (t + 1) / count - first;
    const T* start = tile_start<T>(o, bias_of_rows, first, height, column, spread);
    tap_tiles<T, Panels, Tail, lie>[height](o, start, first, column, tail);
  }
}

template <class T, Lie lie, int Panels = broadest_tile>
inline void tap_panels(const TapOperands<T>& o, const T* bias_of_rows, Size rows, Size column, Size panels, Size tail) {
  if constexpr (Panels > 0) {
    if (panels < Panels) return tap_panels<T, lie, Panels - 1>(o, bias_of_rows, rows, column, panels, tail);
    if (masks_are_free || tail < width<T>) tap_panel<T, Panels, true, lie>(o, bias_of_rows, rows, column, tail);
    else tap_panel<T, Panels, false, lie>(o, bias_of_rows, rows, column, tail);
  }
}

template <class T, Lie lie> void tap_product(const TapOperands<T>& o, const T* bias_of_rows, Size rows, Size columns) {
  for (Size column = 0; column < columns;) {
    const Size left = columns - column, panels = next_panels((left + width<T> - 1) / width<T>);
    const Size over = left - (panels - 1) * width<T>, tail = over < width<T> ? over : width<T>;
    tap_panels<T, lie>(o, bias_of_rows, rows, column, panels, tail);
    column += panels * width<T>;
  }
}

// ---- where taps fall ----

inline Size larger(Size a, Size b) { return a > b ? a : b; }
inline Size smaller(Size a, Size b) { return a < b ? a : b; }
inline Size floor_divide(Size a, Size b) { return b == 1 ? a : a >= 0 ? a / b : -((-a + b - 1) / b); }
inline Size ceil_divide(Size a, Size b) { return -floor_divide(-a, b); }

// The taps that one target gets something from: `count` of them from `first` on, each `step` beyond the last, at the
// sources from `place` on, each `place_step` beyond the last.
struct Taps {
  Size first, count, step, place, place_step;
};

inline Taps taps_forward(const WindowAxis& axis, Size o) {
  const Size start = o * axis.stride - axis.before;
  const Size first = start >= 0 ? 0 : ceil_divide(-start, axis.dilation);
  const Size last = smaller(axis.taps, floor_divide(axis.in - 1 - start, axis.dilation) + 1);
  return {first, larger(last - first, 0), 1, start + first * axis.dilation, axis.dilation};
}

inline Size common_divisor(Size a, Size b) { return b == 0 ? a : common_divisor(b, a % b); }

// Of a source, the outputs that see it, with the taps in reverse: the last one sees it from the first output.
inline Taps taps_backward(const WindowAxis& axis, Size i) {
  const Size common = axis.stride == 1 ? 1 : common_divisor(axis.stride, axis.dilation);
  const Size step = axis.stride / common, place_step = axis.dilation / common;
  const Size start = i + axis.before - (axis.taps - 1) * axis.dilation;  // of reversed tap 0, in steps of an input
  Size first = 0;
  while (first < axis.taps && first < step && (start + first * axis.dilation) % axis.stride != 0) ++first;
  if (first >= axis.taps || first >= step) return {0, 0, step, 0, place_step};
  const Size from = (start + first * axis.dilation) / axis.stride;  // exact
  const Size skipped = from >= 0 ? 0 : ceil_divide(-from, place_step);
  const Size available = (axis.taps - first + step - 1) / step;
  const Size reached = floor_divide(axis.out - 1 - from, place_step) + 1;
  const Size place = from + skipped * place_step;
  return {first + skipped * step, larger(smaller(available, reached) - skipped, 0), step, place, place_step};
}

// One of the two ways through a convolution.
struct Way {
  const WindowShape& shape;
  bool back;
  Size source_width, source_channels, target_height, target_width, target_channels;
  Size depth, width;              // channels of a group, of source and target
  Size weight_row, weight_group;  // from one source channel's weights to the next's, from one group's to the next's
  Size weight_tap;

  Way(const WindowShape& s, bool is_back) : shape(s), back(is_back) {
    const Size channels = s.channels / s.groups, filters = s.filters / s.groups;
    source_width = back ? s.horizontal.out : s.horizontal.in;
    source_channels = back ? s.filters : s.channels;
    target_height = back ? s.vertical.in : s.vertical.out;
    target_width = back ? s.horizontal.in : s.horizontal.out;
    target_channels = back ? s.channels : s.filters;
    depth = back ? filters : channels;
    width = back ? channels : filters;
    weight_row = back ? channels : s.filters;
    weight_group = back ? filters * channels : filters;
    weight_tap = channels * s.filters;
  }
  Taps taps(const WindowAxis& axis, Size target) const {
    return back ? taps_backward(axis, target) : taps_forward(axis, target);
  }
  Size weights_at(const Taps& v, const Taps& h, Size group) const {
    return (v.first * shape.horizontal.taps + h.first) * weight_tap + group * weight_group;
  }
  Size source_at(const Taps& v, const Taps& h, Size group) const {
    return (v.place * source_width + h.place) * source_channels + group * depth;
  }
};

// The steps over the taps of a window, `source` and `weights` being those of the operand that holds them. Taps whose
// numbers follow one another are one product of greater depth.
template <class T>
inline void take_taps(TapOperands<T>& o, const Way& way, const Taps& v, const Taps& h, Size unit, bool weights_are_a) {
  const Size weights_down = v.step * way.shape.horizontal.taps * way.weight_tap;
  const Size source_down = v.place_step * way.source_width * way.source_channels * unit;
  const Size weights_across = h.step * way.weight_tap, source_across = h.place_step * way.source_channels * unit;
  const bool joined = way.shape.groups == 1 && h.step == 1 && h.place_step == 1;
  const auto steps = [&](Size count, Size weights, Size source) {
    return weights_are_a ? Steps{count, weights, source} : Steps{count, source, weights};
  };
  o.outer = steps(v.count, weights_down, source_down);
  o.inner = joined ? Steps{1, 0, 0} : steps(h.count, weights_across, source_across);
  o.depth = joined ? h.count * way.depth : way.depth;
}

// Targets along one axis whose taps are the same, each `advance` sources beyond the last.
struct Run {
  Size first, count, step, advance;
  Taps taps;
};

template <class Body> inline void for_runs(const Way& way, const WindowAxis& axis, Size extent, Body body) {
  const Size phases = way.back ? axis.stride : 1;  // of targets that different taps reach
  for (Size phase = 0; phase < phases; ++phase)
    for (Size first = phase; first < extent;) {
      const Taps taps = way.taps(axis, first);
      Size count = 1;
      for (Size next = first + phases; next < extent; next += phases, ++count) {
        const Taps other = way.taps(axis, next);
        if (other.first != taps.first || other.count != taps.count) break;
      }
      body(Run{first, count, phases, way.back ? 1 : axis.stride, taps});
      first += count * phases;
    }
}

// A way to walk: how many, and how far apart in source and target.
struct Walk {
  Size count, source, target;
};

// A pixel is filters × samples. The pixels of a run follow one another in the same tile, whose weights stay near.
template <class T>
void convolve_columns(const Way& way, Matrix<const T> source, const T* weights, const T* bias, Matrix<T> target) {
  TapOperands<T> o{};
  o.a_row = 1, o.a_column = way.weight_row, o.b_stride = source.stride, o.c_stride = target.stride;
  o.start = zeros<T>, o.start_row = bias ? width<T> : 0;
  const Size source_pixel = way.source_channels * source.stride, target_pixel = way.target_channels * target.stride;
  for_runs(way, way.shape.vertical, way.target_height, [&](const Run& v) {
    const Walk down{v.count, v.advance * way.source_width * source_pixel, v.step * way.target_width * target_pixel};
    for_runs(way, way.shape.horizontal, way.target_width, [&](const Run& h) {
      const Walk across{h.count, h.advance * source_pixel, h.step * target_pixel};
      const Walk run = h.count >= v.count ? across : down, others = h.count >= v.count ? down : across;
      take_taps(o, way, v.taps, h.taps, source.stride, true);
      o.again = {run.count, 0, run.source}, o.again_c = run.target;
      for (Size i = 0; i < others.count; ++i)
        for (Size g = 0; g < way.shape.groups; ++g) {
          o.a = weights + way.weights_at(v.taps, h.taps, g);
          o.b = source.data + way.source_at(v.taps, h.taps, g) * source.stride + i * others.source;
          o.c = target.data + (v.first * way.target_width + h.first) * target_pixel + g * way.width * target.stride +
                i * others.target;
          tap_product<T, Lie::columns>(o, bias ? bias + g * way.width : nullptr, way.width, target.columns);
        }
    });
  });
}

template <class T>
void convolve_block(const Way& way, TapOperands<T>& o, Walk rows, Walk middle, Walk outer, const T* source, T* target) {
  o.a_row = rows.source, o.c_stride = rows.target;
  o.again = {middle.count, middle.source, 0}, o.again_c = middle.target;
  for (Size i = 0; i < outer.count; ++i) {
    o.a = source + i * outer.source;
    o.c = target + i * outer.target;
    tap_product<T, Lie::rows>(o, nullptr, rows.count, way.width);
  }
}

template <class T>
void convolve_rows(const Way& way, Matrix<const T> source, const T* weights, const T* bias, Matrix<T> target) {
  TapOperands<T> o{};
  o.a_column = 1, o.b_stride = way.weight_row;
  o.start = zeros<T>;
  const Size source_row = way.source_width * way.source_channels, target_row = way.target_width * way.target_channels;
  const Walk samples{source.rows, source.stride, target.stride};
  for_runs(way, way.shape.vertical, way.target_height, [&](const Run& v) {
    const Walk down{v.count, v.advance * source_row, v.step * target_row};
    for_runs(way, way.shape.horizontal, way.target_width, [&](const Run& h) {
      const Walk across{h.count, h.advance * way.source_channels, h.step * way.target_channels};
      take_taps(o, way, v.taps, h.taps, 1, false);
      for (Size g = 0; g < way.shape.groups; ++g) {
        if (bias) o.start = bias + g * way.width, o.start_panel = width<T>;
        o.b = weights + way.weights_at(v.taps, h.taps, g);
        const T* from = source.data + way.source_at(v.taps, h.taps, g);
        T* to = target.data + v.first * target_row + h.first * way.target_channels + g * way.width;
        // The borders of a map are short one way: they are taken the other.
        if (h.count >= 4 || (h.count >= v.count && h.count >= samples.count))
          convolve_block(way, o, across, down, samples, from, to);
        else if (v.count >= samples.count) convolve_block(way, o, down, across, samples, from, to);
        else convolve_block(way, o, samples, across, down, from, to);
      }
    });
  });
}

template <class T>
void convolve(const Way& way, Arrangement arrangement, Matrix<const T> source, const T* weights, const T* bias,
              Matrix<T> target) {
  if (arrangement == Arrangement::samples_as_columns) convolve_columns(way, source, weights, bias, target);
  else convolve_rows(way, source, weights, bias, target);
}

template <class T>
void convolution_forward(const WindowShape& shape, Arrangement arrangement, Matrix<const T> x, const T* w,
                         const T* bias, Matrix<T> y) {
  convolve<T>(Way(shape, false), arrangement, x, w, bias, y);
}

template <class T>
void convolution_backward(const WindowShape& shape, Arrangement arrangement, Matrix<const T> dy, const T* turned,
                          Matrix<T> dx) {
  convolve<T>(Way(shape, true), arrangement, dy, turned, nullptr, dx);
}

template <class T> void turn_weights(const WindowShape& shape, const T* w, T* turned) {
  const Size channels = shape.channels / shape.groups, taps = shape.vertical.taps * shape.horizontal.taps;
  const Size size = channels * shape.filters;
  for (Size t = 0; t < taps; ++t)
    transpose<T>({w + t * size, channels, shape.filters, shape.filters}, turned + (taps - 1 - t) * size, channels);
}
