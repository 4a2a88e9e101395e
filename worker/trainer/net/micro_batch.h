// What one forward and backward pass works on: examples laid end to end.
#pragma once

#include <cstdint>
#include <vector>

#include "recipe/data/example.h"
#include "worker/trainer/core/aten.h"

namespace tune::trainer {

// One example of an effective batch. `slot` is its place in that batch, the same however
// the batch is packed: dropout is seeded by it.
struct BatchItem {
  const Example* example;
  int64_t slot;
};

struct MicroBatch {
  at::Tensor ids;        // [tokens] int64
  at::Tensor positions;  // [tokens] int64, from 0 in each example
  // Example i is rows [offsets[i], offsets[i + 1]); one more entry than examples.
  std::vector<int64_t> offsets;
  std::vector<int64_t> slots;
  // The rows that predict a target token, and that token: [targets] int64. A document's
  // first token is never one: nothing before it predicts it.
  at::Tensor target_rows;
  at::Tensor labels;
  // Targets of example i are [target_offsets[i], target_offsets[i + 1]).
  std::vector<int64_t> target_offsets;

  int64_t tokens() const { return offsets.back(); }
  int64_t targets() const { return target_offsets.back(); }
  int64_t examples() const { return static_cast<int64_t>(slots.size()); }
};

MicroBatch MakeMicroBatch(const std::vector<BatchItem>& items, const at::Device& device);

}  // namespace tune::trainer
