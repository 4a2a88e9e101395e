// Inverted dropout whose masks are a pure function of (seed, step, example, site, token).
// So a recomputed block sees the mask of its first run, a resumed run needs no RNG state,
// and packing, micro-batch size and the number of ranks change nothing.
#pragma once

#include <cstdint>
#include <vector>

#include "worker/trainer/core/aten.h"
#include "worker/trainer/net/micro_batch.h"

namespace tune::trainer {

// Mixes a counter into a seed (Steele, Lea, Flood: "Fast splittable pseudorandom number
// generators", SplitMix64's finalizer).
uint64_t MixSeed(uint64_t seed, uint64_t counter);

// A fresh generator of the device's own kind.
at::Generator SeededGenerator(const at::Device& device, uint64_t seed);

class Dropout {
 public:
  // No dropout: evaluation and generation.
  Dropout() = default;
  // Masks of optimizer step `step` for the examples of `batch`, which must outlive this.
  Dropout(uint64_t seed, int64_t step, const MicroBatch& batch);

  // x [tokens, width] with each value zeroed with probability p, the rest divided by
  // 1 - p. Linear in x for a given site, so it is its own backward.
  at::Tensor Apply(const at::Tensor& x, double p, uint64_t site) const;
  // The factor for `shape` values of one example: 0 or 1 / (1 - p).
  at::Tensor Mask(at::IntArrayRef shape, const at::TensorOptions& options, double p, uint64_t site,
                  int64_t example) const;
  bool enabled() const { return batch_ != nullptr; }

 private:
  uint64_t seed_ = 0;
  const MicroBatch* batch_ = nullptr;
};

}  // namespace tune::trainer
