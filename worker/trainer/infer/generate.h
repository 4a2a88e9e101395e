// Text generation with a cache of keys and values, several texts at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "worker/trainer/infer/sampler.h"
#include "worker/trainer/net/network.h"

namespace tune::trainer {

// Keys and values of several sequences; each Advance costs only its own tokens.
class Decoder {
 public:
  // The next tokens of a sequence.
  struct Input {
    size_t sequence;
    std::vector<int32_t> ids;
  };

  // `network` must outlive this. Sequence i holds up to capacities[i] positions.
  Decoder(const Network& network, const std::vector<int64_t>& capacities);

  // Runs the next tokens of some sequences, each at most once, in one forward pass.
  // Returns for each the logits after its last token, fp32 on the host: [vocab].
  std::vector<std::vector<float>> Advance(const std::vector<Input>& inputs);

 private:
  struct LayerCache {
    at::Tensor keys;    // [capacity, kv_heads, head_dim]
    at::Tensor values;  // the same
  };
  struct Sequence {
    std::vector<LayerCache> layers;
    int64_t length = 0;
  };
  // Where an input's rows are among those of a pass.
  struct Piece {
    Sequence* sequence;
    int64_t begin;
    int64_t size;
  };

  std::vector<Piece> Pieces(const std::vector<Input>& inputs);
  // [tokens] int64
  at::Tensor Positions(const std::vector<Piece>& pieces) const;
  at::Tensor Hidden(const at::Tensor& ids, const std::vector<Piece>& pieces) const;

  const Network& network_;
  std::vector<Sequence> sequences_;
};

struct GenerateOptions {
  int64_t max_new_tokens = 64;
  // Every prompt is sampled from the same seed.
  SamplingOptions sampling;
  std::vector<int32_t> ends;  // tokens that end a text; not returned
  // Ids at or above this are never produced: the padding of the embedding beyond the
  // tokenizer's ids.
  int32_t vocabulary = 0;
};

// Why a text ends: the end token; on_token said so; max_new_tokens; the model has no
// further position.
enum class ReplyEnd { kEndToken, kStopped, kMaxNewTokens, kPositions };

struct Reply {
  std::vector<int32_t> ids;
  ReplyEnd end = ReplyEnd::kMaxNewTokens;
};

// Sees each new id of prompts[prompt] and returns false to end that reply.
using OnToken = std::function<bool(size_t prompt, int32_t id)>;

// Continues each prompt, none of them empty, up to the model's positions: one forward
// pass a step for all, each reply as it would be alone. `on_token` may be empty.
std::vector<Reply> Generate(const Network& network,
                            const std::vector<std::vector<int32_t>>& prompts,
                            const GenerateOptions& options, const OnToken& on_token = {});

}  // namespace tune::trainer
