#include "worker/trainer/net/attention.h"

#include <map>

#include "worker/trainer/net/ops/dropped_attention.h"
#include "worker/trainer/net/ops/linear.h"

namespace tune::trainer {
namespace {

constexpr int64_t kFill = 16;

// [segments, length, kv_heads, head_dim] -> [segments, heads, length, head_dim]
at::Tensor ByHead(const at::Tensor& x, int64_t heads) {
  const at::Tensor by_head = x.transpose(1, 2);
  const int64_t kv_heads = x.size(2), group = heads / kv_heads;
  if (group == 1) return by_head;
  return by_head.unsqueeze(2)
      .expand({x.size(0), kv_heads, group, x.size(1), x.size(3)})
      .reshape({x.size(0), heads, x.size(1), x.size(3)});
}

at::Tensor FromHeads(const at::Tensor& x) { return x.transpose(1, 2); }

at::Tensor DroppedSegments(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                           const std::vector<int64_t>& offsets, const Dropout& dropout, double p,
                           uint64_t site) {
  const int64_t heads = q.size(1);
  std::vector<at::Tensor> outputs;
  for (size_t i = 0; i + 1 < offsets.size(); ++i) {
    const int64_t begin = offsets[i], length = offsets[i + 1] - begin;
    const auto part = [&](const at::Tensor& x) {
      return ByHead(x.narrow(0, begin, length).unsqueeze(0), heads);
    };
    const at::Tensor mask = dropout.Mask({heads, length, length}, q.options().requires_grad(false),
                                         p, site, static_cast<int64_t>(i));
    outputs.push_back(FromHeads(DroppedAttention(part(q), part(k), part(v), mask)).squeeze(0));
  }
  return at::cat(outputs);
}

// Rows of each group, in its order of segments.
std::vector<at::Tensor> SplitGroups(const at::Tensor& x, const SegmentLayout& layout) {
  std::vector<int64_t> sizes;
  for (const auto& group : layout.groups) sizes.push_back(group.segments * group.length);
  std::vector<at::Tensor> parts = LayOut(x, layout.rows).split_with_sizes(sizes);
  for (size_t i = 0; i < parts.size(); ++i) {
    parts[i] =
        parts[i].view({layout.groups[i].segments, layout.groups[i].length, x.size(1), x.size(2)});
  }
  return parts;
}

}  // namespace

SegmentLayout MakeSegmentLayout(const std::vector<int64_t>& offsets, const at::Device& device) {
  SegmentLayout layout;
  layout.offsets = offsets;
  std::map<int64_t, std::vector<size_t>> by_length;
  for (size_t i = 0; i + 1 < offsets.size(); ++i) {
    const int64_t length = offsets[i + 1] - offsets[i];
    by_length[(length + kFill - 1) / kFill * kFill].push_back(i);
  }
  std::vector<int64_t> index, inverse(offsets.back()), own;
  for (const auto& [filled, segments] : by_length) {
    layout.groups.push_back({static_cast<int64_t>(segments.size()), filled});
    for (const size_t segment : segments) {
      const int64_t begin = offsets[segment], end = offsets[segment + 1];
      for (int64_t t = 0; t < filled; ++t) {
        const bool real = begin + t < end;
        if (real) inverse[begin + t] = static_cast<int64_t>(index.size());
        // A copy of the segment's own last row: nothing of another example comes near it.
        index.push_back(real ? begin + t : end - 1);
        own.push_back(real);
      }
    }
  }
  layout.rows = {.index = at::tensor(index, at::kLong).to(device),
                 .inverse = at::tensor(inverse, at::kLong).to(device),
                 .own = at::tensor(own, at::kLong).to(device, at::kBool).view({-1, 1, 1})};
  return layout;
}

at::Tensor SegmentAttention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                            const SegmentLayout& layout, const Dropout& dropout, double p,
                            uint64_t site) {
  if (const at::Tensor wide = ForProducts(q); !wide.is_same(q)) {
    return SegmentAttention(wide, ForProducts(k), ForProducts(v), layout, dropout, p, site)
        .to(q.scalar_type());
  }
  if (dropout.enabled() && p > 0) {
    return DroppedSegments(q, k, v, layout.offsets, dropout, p, site);
  }
  const int64_t heads = q.size(1);
  const auto qs = SplitGroups(q, layout), ks = SplitGroups(k, layout), vs = SplitGroups(v, layout);
  std::vector<at::Tensor> outputs;
  for (size_t i = 0; i < qs.size(); ++i) {
    const at::Tensor out = at::scaled_dot_product_attention(
        ByHead(qs[i], heads), ByHead(ks[i], heads), ByHead(vs[i], heads), {}, 0.0,
        /*is_causal=*/true);
    outputs.push_back(FromHeads(out).reshape({-1, heads, q.size(2)}));
  }
  return TakeBack(at::cat(outputs), layout.rows);
}

at::Tensor CachedAttention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
  const int64_t heads = q.size(1);
  const auto whole = [&](const at::Tensor& x) { return ByHead(x.unsqueeze(0), heads); };
  const at::Tensor mask = CausalMask(q.size(0), k.size(0), q.device());
  return FromHeads(at::scaled_dot_product_attention(whole(q), whole(k), whole(v), mask)).squeeze(0);
}

}  // namespace tune::trainer
