// Choosing the next token from logits, as transformers' generate does, in its order
// (transformers 5.17, generation/utils.py, _get_logits_processor): repetition penalty,
// temperature, top-k, top-p, softmax over what is left.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

namespace tune::trainer {

struct SamplingOptions {
  double temperature = 0;  // 0: greedy, after the repetition penalty
  // Only the k largest logits, and those equal to the least of them; 0: all.
  int64_t top_k = 0;
  // Only the likeliest tokens, as many as it takes to reach this much probability, at
  // least one; 1: all. Of equally likely ones the lower ids come first.
  double top_p = 1;
  // Logits of tokens in the text so far, prompt included, are divided by this where
  // positive and multiplied where negative (Keskar et al., arXiv:1909.05858).
  double repetition_penalty = 1;
  uint64_t seed = 0;
};

struct Candidate {
  int32_t id;
  double logit;  // penalized, before the temperature
  double probability;
};

// What a token is drawn from where `temperature` is above 0: the candidates left, most
// probable first; their probabilities sum to 1. As Sampler::Next.
std::vector<Candidate> Distribution(std::vector<float> logits, const std::vector<int32_t>& history,
                                    const SamplingOptions& options);

class Sampler {
 public:
  explicit Sampler(const SamplingOptions& options) : options_(options), random_(options.seed) {}

  // The next token for `logits` (one per token of the vocabulary that may be produced),
  // after the tokens of `history`. Greedy takes the lowest id among equals.
  int32_t Next(std::vector<float> logits, const std::vector<int32_t>& history);

 private:
  SamplingOptions options_;
  std::mt19937_64 random_;
};

}  // namespace tune::trainer
