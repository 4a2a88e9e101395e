#include "worker/trainer/attention.h"

#include <cmath>

namespace tune::trainer {
namespace {

// [length, kv_heads, head_dim] -> [1, heads, length, head_dim]
at::Tensor ByHead(const at::Tensor& x, int64_t heads) {
  at::Tensor by_head = x.transpose(0, 1);
  if (x.size(1) != heads) by_head = by_head.repeat_interleave(heads / x.size(1), 0);
  return by_head.unsqueeze(0);
}

at::Tensor FromHeads(const at::Tensor& x) { return x.squeeze(0).transpose(0, 1); }

at::Tensor CausalMask(int64_t queries, int64_t keys, const at::Device& device) {
  return at::ones({queries, keys}, at::TensorOptions(at::kBool).device(device))
      .tril(keys - queries);
}

// The textbook form, for attention dropout, which the fused kernels draw from a
// generator that is not ours. `mask` [heads, length, length].
at::Tensor DroppedAttention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                            const at::Tensor& mask) {
  const int64_t length = q.size(2);
  const double scale = 1 / std::sqrt(static_cast<double>(q.size(3)));
  const at::Tensor scores = at::matmul(q, k.transpose(2, 3))
                                .mul(scale)
                                .masked_fill(CausalMask(length, length, q.device()).logical_not(),
                                             -std::numeric_limits<double>::infinity());
  return at::matmul(at::softmax(scores, -1, at::kFloat).to(q.scalar_type()) * mask, v);
}

}  // namespace

at::Tensor SegmentAttention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                            const std::vector<int64_t>& offsets, const Dropout& dropout, double p,
                            uint64_t site) {
  const int64_t heads = q.size(1);
  std::vector<at::Tensor> outputs;
  for (size_t i = 0; i + 1 < offsets.size(); ++i) {
    const int64_t length = offsets[i + 1] - offsets[i];
    const at::Tensor qs = ByHead(q.narrow(0, offsets[i], length), heads);
    const at::Tensor ks = ByHead(k.narrow(0, offsets[i], length), heads);
    const at::Tensor vs = ByHead(v.narrow(0, offsets[i], length), heads);
    const at::Tensor out =
        dropout.enabled() && p > 0
            ? DroppedAttention(
                  qs, ks, vs,
                  dropout.Mask({heads, length, length}, q.options().requires_grad(false), p, site,
                               static_cast<int64_t>(i)))
            : at::scaled_dot_product_attention(qs, ks, vs, {}, 0.0, /*is_causal=*/true);
    outputs.push_back(FromHeads(out));
  }
  return at::cat(outputs);
}

at::Tensor CachedAttention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
  const int64_t heads = q.size(1);
  const at::Tensor mask = CausalMask(q.size(0), k.size(0), q.device());
  return FromHeads(
      at::scaled_dot_product_attention(ByHead(q, heads), ByHead(k, heads), ByHead(v, heads), mask));
}

}  // namespace tune::trainer
