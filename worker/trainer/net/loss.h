// Cross-entropy straight from hidden states, in chunks of tokens, gradients computed
// along the way: logits of [tokens, vocab] never exist at once (the idea of Liger's
// fused linear cross-entropy, github.com/linkedin/Liger-Kernel).
#pragma once

#include <cstdint>
#include <vector>

#include "worker/trainer/core/aten.h"

namespace tune::trainer {

struct HeadInput {
  at::Tensor hidden;            // [targets, width], normed; only rows that predict a target
  at::Tensor weight;            // [vocab, width]
  at::Tensor bias;              // [vocab]; undefined where the head has none
  at::Tensor labels;            // [targets] int64
  bool weight_gradient = true;  // whether the weight is trained
};

struct HeadGradients {
  at::Tensor hidden;  // as HeadInput::hidden
  at::Tensor weight;  // fp32; undefined where it was not asked for
  at::Tensor bias;    // fp32; undefined where the head has none
};

// Loss of each target in nats, fp32: [targets]. Logits are raised to fp32 before the
// softmax, as transformers does.
at::Tensor TokenLosses(const HeadInput& input, int64_t chunk_tokens);

// The same, and the gradients of `scale` times their sum.
at::Tensor TokenLossesAndGradients(const HeadInput& input, double scale, int64_t chunk_tokens,
                                   HeadGradients* gradients);

// Tokens per chunk so that one chunk's fp32 logits take about 128 MiB.
int64_t LossChunkTokens(int64_t vocab_size);

}  // namespace tune::trainer
