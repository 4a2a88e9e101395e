// Text generation with a cache of keys and values.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "worker/trainer/model.h"
#include "worker/trainer/sampler.h"

namespace tune::trainer {

// One sequence's keys and values; each Advance costs only its own tokens.
class Decoder {
 public:
  // `model` must outlive this. Holds up to `capacity` positions.
  Decoder(const PhiModel& model, int64_t capacity);

  // Runs the sequence's next tokens; returns the logits after the last, fp32 on the
  // host: [vocab].
  std::vector<float> Advance(const std::vector<int32_t>& ids);
  int64_t length() const { return length_; }

 private:
  struct LayerCache {
    at::Tensor keys;    // [capacity, kv_heads, head_dim]
    at::Tensor values;  // the same
  };

  at::Tensor Attend(int64_t layer, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v);

  const PhiModel& model_;
  std::vector<LayerCache> cache_;
  int64_t length_ = 0;
};

struct GenerateOptions {
  int64_t max_new_tokens = 64;
  SamplingOptions sampling;
  int32_t eos = -1;  // ends the text; not returned
  // Ids at or above this are never produced: the padding of the embedding beyond the
  // tokenizer's ids.
  int32_t vocabulary = 0;
};

// Continues `prompt`, which must not be empty, up to the model's positions. `on_token`
// sees each new id and returns false to stop.
std::vector<int32_t> Generate(const PhiModel& model, const std::vector<int32_t>& prompt,
                              const GenerateOptions& options,
                              const std::function<bool(int32_t)>& on_token);

}  // namespace tune::trainer
