// LayerNorm whose gradients do not depend on the number of threads.
#pragma once

#include <ATen/core/Tensor.h>

namespace tune::trainer {

// Normalises x [..., width] over its last dimension, then scales by `weight` and shifts by
// `bias` [width]. Forward and the input's gradient are LibTorch's; on a CPU its kernel sums
// those of weight and bias in one part per thread, so they are summed here instead, over
// the rows in order, in fp32.
at::Tensor LayerNorm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                     double eps);

}  // namespace tune::trainer
