// Where the samples of a fit lie: memory that belongs to the caller and is read row by row, never copied whole.
#pragma once

#include "kernels/table.hpp"

namespace multicapa {

struct Rows {
  const void* data = nullptr;
  Scalar scalar = Scalar::float32;
  Size stride = 0;  // numbers from one row to the next
};

template <class T> struct Samples {
  Size count = 0;
  Rows x;
  Rows targets;                   // rows of numbers …
  const Size* classes = nullptr;  // … or one class per sample, written as a row of `off` with one `on`
  T on = 1;
  T off = 0;
  const T* weights = nullptr;     // one per sample, or null for ones …
  bool step_weights = false;      // … or one per step
  const Size* lengths = nullptr;  // steps that each sample has, or null where all have all
};

// Where a batch starts within the samples of an epoch.
struct BatchRows {
  const Size* order = nullptr;  // null: as they lie
  Size first = 0;
  Size end = 0;  // of the epoch
};

}  // namespace multicapa
