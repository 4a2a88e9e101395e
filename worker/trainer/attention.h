// Causal self-attention over packed examples.
#pragma once

#include <cstdint>
#include <vector>

#include "worker/trainer/aten.h"
#include "worker/trainer/dropout.h"

namespace tune::trainer {

// Causal attention within each segment, none across: segment i is rows
// [offsets[i], offsets[i + 1]). q [tokens, heads, head_dim]; k, v [tokens, kv_heads,
// head_dim], each kv head serving heads / kv_heads query heads in a row, as transformers'
// repeat_kv. Scores are scaled by 1/sqrt(head_dim). Returns [tokens, heads, head_dim].
// With p > 0 and `dropout` enabled, attention weights are dropped with probability p.
at::Tensor SegmentAttention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                            const std::vector<int64_t>& offsets, const Dropout& dropout, double p,
                            uint64_t site);

// Attention of q [queries, heads, head_dim], the last `queries` positions of a sequence
// whose keys and values are k, v [positions, kv_heads, head_dim]. For generation.
at::Tensor CachedAttention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v);

}  // namespace tune::trainer
