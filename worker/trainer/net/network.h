// A network as training, loss and generation see it: an embedding, blocks one after the other,
// a norm and a head. Its families are rows of recipe/model/model_family.h; each has a file here,
// and nothing else knows which one runs.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "worker/trainer/core/aten.h"
#include "worker/trainer/net/dropout.h"
#include "worker/trainer/optim/parameters.h"

namespace tune::trainer {

// Rotation by position: cos and sin, each [tokens, 1, rotated dimensions], in the compute type.
struct Rotary {
  at::Tensor cos;
  at::Tensor sin;
};

// Computes attention from q [tokens, heads, head_dim] and k, v [tokens, kv_heads,
// head_dim], rotated: per example in training, over the cache in generation.
using Attend =
    std::function<at::Tensor(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v)>;

// The sizes and rates that whoever runs a network needs.
struct NetworkShape {
  int64_t blocks = 0;
  int64_t vocab_size = 0;
  int64_t key_value_heads = 0;
  int64_t head_dim = 0;
  int64_t positions = 0;         // the longest sequence
  double embedding_dropout = 0;  // probability
  double attention_dropout = 0;
  int64_t pad_token_id = -1;  // its embedding does not learn; -1 for none
};

class Network {
 public:
  // Indices of the head's parameters. A tied head's weight is the embedding.
  struct Head {
    size_t weight;
    std::optional<size_t> bias;
  };

  virtual ~Network() = default;

  // [tokens] int64 -> [tokens, hidden]
  virtual at::Tensor Embed(const at::Tensor& ids) const = 0;
  // Tables for positions [tokens] int64: computed in fp32, then cast.
  virtual Rotary RotaryFor(const at::Tensor& positions) const = 0;
  // [tokens, hidden] -> [tokens, hidden]
  virtual at::Tensor Block(int64_t layer, const at::Tensor& hidden, const Rotary& rotary,
                           const Attend& attend, const Dropout& dropout) const = 0;
  virtual at::Tensor FinalNorm(const at::Tensor& hidden) const = 0;
  // [tokens, hidden], normed -> [tokens, vocab]
  at::Tensor Logits(const at::Tensor& normed) const;

  const NetworkShape& shape() const { return shape_; }
  const Parameters& parameters() const { return parameters_; }
  // Indices of the parameters that a block and the final norm use, in the network's order.
  const std::vector<size_t>& BlockParameters(int64_t layer) const {
    return block_parameters_[layer];
  }
  const std::vector<size_t>& FinalNormParameters() const { return final_norm_parameters_; }
  size_t embedding() const { return embedding_; }
  const Head& head() const { return head_; }

 protected:
  // `parameters` must outlive this. The family's constructor fills in what follows.
  explicit Network(const Parameters& parameters) : parameters_(parameters) {}

  const Parameters& parameters_;
  NetworkShape shape_;
  std::vector<std::vector<size_t>> block_parameters_;
  std::vector<size_t> final_norm_parameters_;
  size_t embedding_ = 0;
  Head head_ = {};
};

// Dropout sites (dropout.h): the embedding's, and each block's three.
inline constexpr uint64_t kEmbeddingSite = 0;
inline constexpr uint64_t AttentionWeightsSite(int64_t layer) { return 1 + 3 * layer; }
inline constexpr uint64_t AttentionOutputSite(int64_t layer) { return 2 + 3 * layer; }
inline constexpr uint64_t MlpOutputSite(int64_t layer) { return 3 + 3 * layer; }

}  // namespace tune::trainer
