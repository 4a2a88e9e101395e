// The loops over all parameters in host memory, one pass each. Work is split in chunks
// of fixed size, so that no result depends on the number of threads. Vector units are those that
// LibTorch has found (AVX-512, AVX2, else the compiler's baseline); ATEN_CPU_CAPABILITY chooses
// others for both.
#pragma once

#include <ATen/core/Tensor.h>

namespace tune::trainer {

// Sum of squares of a contiguous host tensor of fp32 or bf16, in fp64.
double SumOfSquares(const at::Tensor& tensor);

struct AdamWCoefficients {
  float gradient_scale;  // clipping
  float decay;           // 1 - learning_rate * weight_decay
  // Rounded to fp32 from fp64, as torch does: 1 - 0.999f is 1.3e-5 of itself too small.
  float one_minus_beta1, beta2, one_minus_beta2;
  float step_size;        // learning_rate / (1 - beta1^t)
  float root_correction;  // sqrt(1 - beta2^t)
  float eps;
};

// One AdamW update (Loshchilov & Hutter, arXiv:1711.05101, as torch.optim.AdamW computes it) of
// contiguous host tensors of one size: fp32 `master`, `exp_avg` and `exp_avg_sq`, a `gradient` of
// fp32 or bf16. The new master goes to `weight` as well, fp32 or bf16 (rounded to nearest even),
// which may be `master` itself.
void AdamWUpdate(const AdamWCoefficients& coefficients, const at::Tensor& gradient,
                 const at::Tensor& master, const at::Tensor& exp_avg, const at::Tensor& exp_avg_sq,
                 const at::Tensor& weight);

}  // namespace tune::trainer
