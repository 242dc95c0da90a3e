// body(0), body(1), … body(Count − 1) with the index known to the compiler.
template <int Index> struct Constant {
  constexpr operator int() const { return Index; }
};
template <int Count, int Index = 0, class Body> [[gnu::always_inline]] inline void unrolled(Body&& body) {
  if constexpr (Index < Count) {
    body(Constant<Index>{});
    unrolled<Count, Index + 1>(body);
  }
}
