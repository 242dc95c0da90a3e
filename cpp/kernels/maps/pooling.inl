// Pooling. What a window sees of a map are numbers at a few places of it, channel beside channel, so that lanes are
// channels, or the samples of channels.

// body(in, out, down, across) for each window of a sample: where its numbers start in a row of x and of y, and how many
// places it sees.
template <class Body> inline void for_windows(const WindowShape& s, Body body) {
  const WindowAxis &v = s.vertical, &h = s.horizontal;
  for (Size y = 0; y < v.out; ++y) {
    const Taps down = taps_forward(v, y);
    for (Size x = 0; x < h.out; ++x) {
      const Taps across = taps_forward(h, x);
      body((down.place * h.in + across.place) * s.channels, (y * h.out + x) * s.channels, down.count, across.count);
    }
  }
}

// body(i) for the places of a window, numbers counted from its first.
template <class Body> inline void for_places(const WindowShape& s, Size down, Size across, Body body) {
  for (Size i = 0; i < down; ++i)
    for (Size j = 0; j < across; ++j) body((i * s.horizontal.in + j) * s.channels);
}

// Whether each input is in one window exactly.
inline bool tiles_exactly(const WindowAxis& a) { return a.stride == a.taps && a.before == 0 && a.out * a.taps == a.in; }
inline bool overlaps(const WindowAxis& a) { return a.stride < a.taps && a.out > 1; }

template <class T> inline Vector<T> larger_or_nan(Vector<T> a, Vector<T> found) {
  const IntegerVector<T> better = (a > found) | (a != a);
  return better ? a : found;
}

template <class T> void max_pool_forward(const WindowShape& s, Matrix<const T> x, Matrix<T> y) {
  const Size right = s.channels, below = s.horizontal.in * s.channels;
  for (Size n = 0; n < x.rows; ++n)
    for_windows(s, [&](Size from, Size to, Size down, Size across) {
      const T* in = x.data + n * x.stride + from;
      T* out = y.data + n * y.stride + to;
      if (down == 2 && across == 2)
        return for_vectors<T>(s.channels, [&](Size c, auto part) {
          const Vector<T> upper = larger_or_nan<T>(part.get(in + right + c), part.get(in + c));
          const Vector<T> lower = larger_or_nan<T>(part.get(in + below + right + c), part.get(in + below + c));
          part.put(out + c, larger_or_nan<T>(lower, upper));
        });
      for_vectors<T>(s.channels, [&](Size c, auto part) {
        Vector<T> found = part.get(in + c);
        for_places(s, down, across, [&](Size i) { found = larger_or_nan<T>(part.get(in + i + c), found); });
        part.put(out + c, found);
      });
    });
}

template <class T> inline void clear(Matrix<T> x) {
  for (Size n = 0; n < x.rows; ++n)
    for_vectors<T>(x.columns, [&](Size i, auto part) { part.put(x.data + n * x.stride + i, Vector<T>{}); });
}

template <class T>
void max_pool_backward(const WindowShape& s, Matrix<const T> x, Matrix<const T> y, Matrix<const T> dy, Matrix<T> dx) {
  const bool adds = overlaps(s.vertical) || overlaps(s.horizontal);
  const Size right = s.channels, below = s.horizontal.in * s.channels;
  if (!tiles_exactly(s.vertical) || !tiles_exactly(s.horizontal)) clear(dx);
  for (Size n = 0; n < x.rows; ++n)
    for_windows(s, [&](Size from, Size to, Size down, Size across) {
      const T *in = x.data + n * x.stride + from, *out = y.data + n * y.stride + to,
              *dout = dy.data + n * dy.stride + to;
      T* din = dx.data + n * dx.stride + from;
      if (down == 2 && across == 2 && !adds)
        return for_vectors<T>(s.channels, [&](Size c, auto part) {
          const Vector<T> largest = part.get(out + c), none{};
          Vector<T> left = part.get(dout + c);  // of the gradient, for the first that is as large
          const Size places[] = {0, right, below, below + right};
          unrolled<4>([&](auto i) {
            const IntegerVector<T> hit = part.get(in + places[i] + c) == largest;
            part.put(din + places[i] + c, hit ? left : none);
            left = hit ? none : left;
          });
        });
      for_vectors<T>(s.channels, [&](Size c, auto part) {
        const Vector<T> largest = part.get(out + c), gradient = part.get(dout + c), none{};
        IntegerVector<T> open = ~IntegerVector<T>{};
        for_places(s, down, across, [&](Size i) {
          const IntegerVector<T> hit = (part.get(in + i + c) == largest) & open;
          const Vector<T> share = hit ? gradient : none;
          part.put(din + i + c, adds ? part.get(din + i + c) + share : share);
          open &= ~hit;
        });
      });
    });
}

template <class T> void average_pool_forward(const WindowShape& s, Matrix<const T> x, Matrix<T> y) {
  for (Size n = 0; n < x.rows; ++n)
    for_windows(s, [&](Size from, Size to, Size down, Size across) {
      const T* in = x.data + n * x.stride + from;
      T* out = y.data + n * y.stride + to;
      const T share = T(1) / static_cast<T>(down * across);
      for_vectors<T>(s.channels, [&](Size c, auto part) {
        Vector<T> sum{};
        for_places(s, down, across, [&](Size i) { sum += part.get(in + i + c); });
        part.put(out + c, sum * share);
      });
    });
}

template <class T> void average_pool_backward(const WindowShape& s, Matrix<const T> dy, Matrix<T> dx) {
  const bool adds = overlaps(s.vertical) || overlaps(s.horizontal);
  if (!tiles_exactly(s.vertical) || !tiles_exactly(s.horizontal)) clear(dx);
  for (Size n = 0; n < dx.rows; ++n)
    for_windows(s, [&](Size from, Size to, Size down, Size across) {
      const T* dout = dy.data + n * dy.stride + to;
      T* din = dx.data + n * dx.stride + from;
      const T share = T(1) / static_cast<T>(down * across);
      for_vectors<T>(s.channels, [&](Size c, auto part) {
        const Vector<T> gradient = part.get(dout + c) * share;
        for_places(s, down, across,
                   [&](Size i) { part.put(din + i + c, adds ? part.get(din + i + c) + gradient : gradient); });
      });
    });
}
