// How a kernel walks over its numbers: whole registers first, then one partial register for the tail. The body is
// called with an accessor, so that it is written once for both.

template <class T> struct Whole {
  Vector<T> get(const T* source) const { return load(source); }
  Vector<T> get_or(const T* source, Vector<T>) const { return load(source); }
  Vector<T> active(Vector<T> vector) const { return vector; }
  void put(T* target, Vector<T> vector) const { store(target, vector); }
};

template <class T> struct Part {
  Size count;
  Vector<T> get(const T* source) const { return load_partial(source, count); }
  // `fill` in the lanes beyond the tail, where get() has zeros.
  Vector<T> get_or(const T* source, Vector<T> fill) const { return select_first<T>(get(source), fill, count); }
  Vector<T> active(Vector<T> vector) const { return select_first<T>(vector, Vector<T>{}, count); }
  void put(T* target, Vector<T> vector) const { store_partial(target, vector, count); }
};

// body(offset, accessor) for `count` numbers.
template <class T, class Body> inline void for_vectors(Size count, Body body) {
  Size i = 0;
  for (; i + width<T> <= count; i += width<T>) body(i, Whole<T>{});
  if (i < count) body(i, Part<T>{count - i});
}

// The same over one, two or three matrices of equal shape; as one run when none has a gap between its rows.
template <class A, class B, class Body> inline void for_elements(Matrix<A> x, Matrix<B> y, Body body) {
  const bool dense = x.stride == x.columns && y.stride == x.columns;
  const Size rows = dense ? 1 : x.rows, count = dense ? x.rows * x.columns : x.columns;
  for (Size r = 0; r < rows; ++r) {
    A* x_row = x.data + r * x.stride;
    B* y_row = y.data + r * y.stride;
    for_vectors<B>(count, [&](Size i, auto part) { body(part, x_row + i, y_row + i); });
  }
}

template <class A, class B, class C, class Body>
inline void for_elements(Matrix<A> x, Matrix<B> y, Matrix<C> z, Body body) {
  const bool dense = x.stride == x.columns && y.stride == x.columns && z.stride == x.columns;
  const Size rows = dense ? 1 : x.rows, count = dense ? x.rows * x.columns : x.columns;
  for (Size r = 0; r < rows; ++r) {
    A* x_row = x.data + r * x.stride;
    B* y_row = y.data + r * y.stride;
    C* z_row = z.data + r * z.stride;
    for_vectors<C>(count, [&](Size i, auto part) { body(part, x_row + i, y_row + i, z_row + i); });
  }
}
