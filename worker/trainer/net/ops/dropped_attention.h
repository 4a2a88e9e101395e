// Attention whose weights are dropped, in its textbook form: the fused kernels draw from a
// generator that is not ours. On a CPU the same bits for any number of threads.
#pragma once

#include "worker/trainer/core/aten.h"

namespace tune::trainer {

// What keys a query sees: bool [queries, keys], the last query seeing all.
at::Tensor CausalMask(int64_t queries, int64_t keys, const at::Device& device);

// q, k, v [1, heads, length, head_dim], causal; weights are multiplied by `mask` [heads, length,
// length]. Keeps gradients.
at::Tensor DroppedAttention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                            const at::Tensor& mask);

}  // namespace tune::trainer
