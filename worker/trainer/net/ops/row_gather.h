// Rows of a tensor laid out anew, by copies only in both directions.
#pragma once

#include <ATen/core/Tensor.h>

namespace tune::trainer {

// A layout of `n` rows with every row at least once: row j of the new order is row
// index[j] of the old; inverse[i] is where old row i has its own place, and the rest,
// copies that fill holes, carry no gradient.
struct RowLayout {
  at::Tensor index;    // [m] int64
  at::Tensor inverse;  // [n] int64
  at::Tensor own;      // [m, 1, 1] bool: false for a copy
};

// x [n, a, b] -> [m, a, b]. The gradient of row i is that of its own place.
at::Tensor LayOut(const at::Tensor& x, const RowLayout& layout);

// x [m, a, b] -> [n, a, b]: every row from its own place. Copies get a zero gradient.
at::Tensor TakeBack(const at::Tensor& x, const RowLayout& layout);

}  // namespace tune::trainer
