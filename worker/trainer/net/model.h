// Phi in ATen functions, exactly as transformers 5.17 computes it
// (transformers/models/phi/modeling_phi.py): one LayerNorm per block feeding attention
// and MLP side by side, rotary embedding on the first rotary_dim dimensions of each head,
// tanh-approximated GELU, biases everywhere, lm_head included.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "recipe/model/model_config.h"
#include "worker/trainer/core/aten.h"
#include "worker/trainer/net/dropout.h"
#include "worker/trainer/optim/parameters.h"

namespace tune::trainer {

// Rotation by position: cos and sin, each [tokens, 1, rotary_dim], in the compute type.
struct Rotary {
  at::Tensor cos;
  at::Tensor sin;
};

// Computes attention from q [tokens, heads, head_dim] and k, v [tokens, kv_heads,
// head_dim], rotated: per example in training, over the cache in generation.
using Attend =
    std::function<at::Tensor(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v)>;

class PhiModel {
 public:
  // `parameters` must outlive this and hold what ModelTensors(config) names.
  PhiModel(const ModelConfig& config, const Parameters& parameters);

  // [tokens] int64 -> [tokens, hidden]
  at::Tensor Embed(const at::Tensor& ids) const;
  // Tables for positions [tokens] int64: computed in fp32, then cast.
  Rotary RotaryFor(const at::Tensor& positions) const;
  // [tokens, hidden] -> [tokens, hidden]
  at::Tensor Block(int64_t layer, const at::Tensor& hidden, const Rotary& rotary,
                   const Attend& attend, const Dropout& dropout) const;
  at::Tensor FinalNorm(const at::Tensor& hidden) const;
  // [tokens, hidden], normed -> [tokens, vocab]
  at::Tensor Logits(const at::Tensor& normed) const;

  const ModelConfig& config() const { return config_; }
  const Parameters& parameters() const { return parameters_; }
  // Parameters that a block, the final norm and the head use; the tied head's weight is
  // the embedding.
  const std::vector<size_t>& BlockParameters(int64_t layer) const { return blocks_[layer].all; }
  const std::vector<size_t>& FinalNormParameters() const { return final_norm_; }
  size_t embedding() const { return embedding_; }
  size_t head_weight() const { return head_weight_; }
  size_t head_bias() const { return head_bias_; }

 private:
  // An index into parameters_ for the weight; the bias's follows from its name.
  struct Affine {
    size_t weight;
    size_t bias;
  };
  struct BlockLayout {
    Affine norm, q, k, v, dense, fc1, fc2;
    std::optional<Affine> q_norm, k_norm;
    std::vector<size_t> all;
  };

  Affine Find(const std::string& prefix) const;
  BlockLayout FindBlock(int64_t layer) const;
  at::Tensor Project(const Affine& affine, const at::Tensor& x) const;
  at::Tensor Norm(const Affine& affine, const at::Tensor& x) const;
  at::Tensor Attention(const BlockLayout& block, const at::Tensor& normed, const Rotary& rotary,
                       const Attend& attend) const;

  const ModelConfig config_;
  const Parameters& parameters_;
  size_t embedding_, head_weight_, head_bias_;
  std::vector<size_t> final_norm_;
  std::vector<BlockLayout> blocks_;
};

// Dropout sites (dropout.h): the embedding's, and each block's three.
inline constexpr uint64_t kEmbeddingSite = 0;
inline constexpr uint64_t AttentionWeightsSite(int64_t layer) { return 1 + 3 * layer; }
inline constexpr uint64_t AttentionOutputSite(int64_t layer) { return 2 + 3 * layer; }
inline constexpr uint64_t MlpOutputSite(int64_t layer) { return 3 + 3 * layer; }

}  // namespace tune::trainer
