// Matrix products of few rows whose bits do not depend on the number of threads.
#pragma once

#include "worker/trainer/core/aten.h"

namespace tune::trainer {

// LibTorch's CPU product of 5 to 11 rows (but 8) is summed in another order at one thread
// than at two. Those are filled up with rows of zeros to 12; others stay as they are.
// x [rows, width] -> [rows or 12, width].
at::Tensor FillFewRows(const at::Tensor& x);

// x [rows, in] by weight [out, in] and bias [out], which may be undefined -> [rows, out].
at::Tensor Linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias);

}  // namespace tune::trainer
