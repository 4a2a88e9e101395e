// Causal self-attention over packed examples.
#pragma once

#include <cstdint>
#include <vector>

#include "worker/trainer/core/aten.h"
#include "worker/trainer/net/dropout.h"
#include "worker/trainer/net/ops/row_gather.h"

namespace tune::trainer {

// How segments are gathered for attention: those of about one length together, each
// filled up at its end to a multiple of 16 positions, so that one call serves many. What
// fills up is later than every real position, which causal attention does not see. (The
// multiple also keeps the CPU kernel's buffers aligned, without which its results depend
// on the number of threads.)
struct SegmentLayout {
  struct Group {
    int64_t segments;
    int64_t length;  // filled up
  };

  // Segment i is rows [offsets[i], offsets[i + 1]).
  std::vector<int64_t> offsets;
  std::vector<Group> groups;
  RowLayout rows;
};

SegmentLayout MakeSegmentLayout(const std::vector<int64_t>& offsets, const at::Device& device);

// Causal attention within each segment, none across. q [tokens, heads, head_dim]; k, v
// [tokens, kv_heads, head_dim], each kv head serving heads / kv_heads query heads in a
// row, as transformers' repeat_kv. Scores are scaled by 1/sqrt(head_dim). Returns
// [tokens, heads, head_dim]. With p > 0 and `dropout` enabled, attention weights are
// dropped with probability p.
at::Tensor SegmentAttention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                            const SegmentLayout& layout, const Dropout& dropout, double p,
                            uint64_t site);

// Attention of q [queries, heads, head_dim], the last `queries` positions of a sequence
// whose keys and values are k, v [positions, kv_heads, head_dim]. For generation.
at::Tensor CachedAttention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v);

}  // namespace tune::trainer
