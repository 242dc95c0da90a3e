// Maxout: the largest of the pieces of each unit, which lie side by side.

template <class T> void largest_piece(Matrix<const T> z, Size pieces, Matrix<T> y) {
  for (Size r = 0; r < y.rows; ++r)
    for (Size u = 0; u < y.columns; ++u) {
      const T* piece = z.data + r * z.stride + u * pieces;
      T largest = piece[0];
      for (Size j = 1; j < pieces; ++j) largest = piece[j] > largest ? piece[j] : largest;
      y.data[r * y.stride + u] = largest;
    }
}

// z becomes its own gradient: dy for the piece that won, the first of equals, and 0 for the others.
template <class T> void largest_piece_backward(Matrix<T> z, Size pieces, Matrix<const T> dy) {
  for (Size r = 0; r < dy.rows; ++r)
    for (Size u = 0; u < dy.columns; ++u) {
      T* piece = z.data + r * z.stride + u * pieces;
      Size winner = 0;
      for (Size j = 1; j < pieces; ++j) winner = piece[j] > piece[winner] ? j : winner;
      for (Size j = 0; j < pieces; ++j) piece[j] = j == winner ? dy.data[r * dy.stride + u] : T(0);
    }
}
