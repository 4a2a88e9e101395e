#include "recipe/model/buffers.h"

#include <algorithm>

#include "absl/strings/match.h"

namespace tune {
namespace {

// The last part of the name of a tensor that no network learns.
constexpr absl::string_view kBufferNames[] = {
    "inv_freq", "cos_cached", "sin_cached", "masked_bias", "causal_mask", "position_ids",
};

bool IsSquare(const std::vector<int64_t>& shape) {
  return shape.size() >= 2 && shape[shape.size() - 1] == shape[shape.size() - 2];
}

}  // namespace

bool IsBuffer(absl::string_view name, const TensorInfo& info) {
  const size_t dot = name.rfind('.');
  const absl::string_view last = dot == absl::string_view::npos ? name : name.substr(dot + 1);
  if (std::ranges::find(kBufferNames, last) != std::end(kBufferNames)) return true;
  if (!IsSquare(info.shape)) return false;
  const bool flags = info.dtype == DType::kBool || info.dtype == DType::kU8;
  return flags || absl::EndsWith(name, "attn.bias") || absl::EndsWith(name, "attention.bias");
}

}  // namespace tune
