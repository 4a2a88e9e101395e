#include "worker/trainer/net/model.h"

#include "absl/strings/str_cat.h"
#include "worker/trainer/net/ops/gelu.h"
#include "worker/trainer/net/ops/layer_norm.h"
#include "worker/trainer/net/ops/linear.h"

namespace tune::trainer {
namespace {

// x [tokens, heads, head_dim]: rotates the first rotary_dim dimensions of each head,
// whose halves are the two coordinates, and passes the rest.
at::Tensor Rotate(const at::Tensor& x, const Rotary& rotary) {
  const int64_t dim = rotary.cos.size(-1);
  const at::Tensor turned = x.narrow(-1, 0, dim);
  const at::Tensor half_turned =
      at::cat({turned.narrow(-1, dim / 2, dim / 2).neg(), turned.narrow(-1, 0, dim / 2)}, -1);
  const at::Tensor rotated = turned * rotary.cos + half_turned * rotary.sin;
  return at::cat({rotated, x.narrow(-1, dim, x.size(-1) - dim)}, -1);
}

}  // namespace

PhiModel::PhiModel(const ModelConfig& config, const Parameters& parameters)
    : config_(config), parameters_(parameters) {
  embedding_ = parameters.IndexOf("model.embed_tokens.weight");
  head_weight_ = config.tie_word_embeddings ? embedding_ : parameters.IndexOf("lm_head.weight");
  head_bias_ = parameters.IndexOf("lm_head.bias");
  const Affine norm = Find("model.final_layernorm");
  final_norm_ = {norm.weight, norm.bias};
  for (int64_t layer = 0; layer < config.num_hidden_layers; ++layer) {
    blocks_.push_back(FindBlock(layer));
  }
}

PhiModel::Affine PhiModel::Find(const std::string& prefix) const {
  return {parameters_.IndexOf(prefix + ".weight"), parameters_.IndexOf(prefix + ".bias")};
}

PhiModel::BlockLayout PhiModel::FindBlock(int64_t layer) const {
  const std::string prefix = absl::StrCat("model.layers.", layer, ".");
  const std::string attention = prefix + "self_attn.";
  BlockLayout block;
  block.norm = Find(prefix + "input_layernorm");
  block.q = Find(attention + "q_proj");
  block.k = Find(attention + "k_proj");
  block.v = Find(attention + "v_proj");
  block.dense = Find(attention + "dense");
  block.fc1 = Find(prefix + "mlp.fc1");
  block.fc2 = Find(prefix + "mlp.fc2");
  if (config_.qk_layernorm) {
    block.q_norm = Find(attention + "q_layernorm");
    block.k_norm = Find(attention + "k_layernorm");
  }
  for (size_t i = 0; i < parameters_.size(); ++i) {
    if (parameters_[i].name.starts_with(prefix)) block.all.push_back(i);
  }
  return block;
}

at::Tensor PhiModel::Project(const Affine& affine, const at::Tensor& x) const {
  return Linear(x, parameters_[affine.weight].weight, parameters_[affine.bias].weight);
}

at::Tensor PhiModel::Norm(const Affine& affine, const at::Tensor& x) const {
  return LayerNorm(x, parameters_[affine.weight].weight, parameters_[affine.bias].weight,
                   config_.layer_norm_eps);
}

at::Tensor PhiModel::Embed(const at::Tensor& ids) const {
  return at::embedding(parameters_[embedding_].weight, ids);
}

Rotary PhiModel::RotaryFor(const at::Tensor& positions) const {
  const auto options = at::TensorOptions(at::kFloat).device(positions.device());
  const int64_t dim = config_.rotary_dim();
  const at::Tensor exponents = at::arange(0, dim, 2, options).div(static_cast<double>(dim));
  const at::Tensor frequencies = at::pow(config_.rope_theta, exponents).reciprocal();
  const at::Tensor angles = at::outer(positions.to(at::kFloat), frequencies);
  const at::Tensor both = at::cat({angles, angles}, -1).unsqueeze(1);
  return {both.cos().to(parameters_.type()), both.sin().to(parameters_.type())};
}

at::Tensor PhiModel::Attention(const BlockLayout& block, const at::Tensor& normed,
                               const Rotary& rotary, const Attend& attend) const {
  const int64_t tokens = normed.size(0);
  const auto heads = [&](const at::Tensor& x) { return x.view({tokens, -1, config_.head_dim()}); };
  at::Tensor q = heads(Project(block.q, normed));
  at::Tensor k = heads(Project(block.k, normed));
  if (block.q_norm) q = Norm(*block.q_norm, q);
  if (block.k_norm) k = Norm(*block.k_norm, k);
  const at::Tensor v = heads(Project(block.v, normed));
  const at::Tensor mixed = attend(Rotate(q, rotary), Rotate(k, rotary), v);
  return Project(block.dense, mixed.reshape({tokens, config_.hidden_size}));
}

at::Tensor PhiModel::Block(int64_t layer, const at::Tensor& hidden, const Rotary& rotary,
                           const Attend& attend, const Dropout& dropout) const {
  const BlockLayout& block = blocks_[layer];
  const at::Tensor normed = Norm(block.norm, hidden);
  const at::Tensor attention = Attention(block, normed, rotary, attend);
  const at::Tensor mlp = Project(block.fc2, Gelu(Project(block.fc1, normed)));
  return dropout.Apply(attention, config_.resid_pdrop, AttentionOutputSite(layer)) +
         dropout.Apply(mlp, config_.resid_pdrop, MlpOutputSite(layer)) + hidden;
}

at::Tensor PhiModel::FinalNorm(const at::Tensor& hidden) const {
  return Norm({final_norm_[0], final_norm_[1]}, hidden);
}

at::Tensor PhiModel::Logits(const at::Tensor& normed) const {
  return Linear(normed, parameters_[head_weight_].weight, parameters_[head_bias_].weight);
}

}  // namespace tune::trainer
