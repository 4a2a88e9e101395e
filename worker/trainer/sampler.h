// Choosing the next token from logits, as transformers' generate does.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

namespace tune::trainer {

struct SamplingOptions {
  double temperature = 0;  // 0: greedy
  int64_t top_k = 0;       // 0: all
  double top_p = 1;
  double repetition_penalty = 1;  // Keskar et al., arXiv:1909.05858
  uint64_t seed = 0;
};

class Sampler {
 public:
  explicit Sampler(const SamplingOptions& options) : options_(options), random_(options.seed) {}

  // The next token for `logits` (one per token of the vocabulary that may be produced),
  // after the tokens of `history`. Greedy takes the lowest id among equals.
  int32_t Next(std::vector<float> logits, const std::vector<int32_t>& history);

 private:
  const SamplingOptions options_;
  std::mt19937_64 random_;
};

}  // namespace tune::trainer
