// GELU whose values do not depend on how many threads computed them.
#pragma once

#include "worker/trainer/core/aten.h"

namespace tune::trainer {

// The tanh form (transformers' gelu_new). ATen cuts a tensor in one part per thread, and the
// end of a part, which fills no vector, goes through another function that rounds otherwise; so
// on a CPU it is given parts of fixed size. Keeps gradients.
at::Tensor Gelu(const at::Tensor& x);

}  // namespace tune::trainer
