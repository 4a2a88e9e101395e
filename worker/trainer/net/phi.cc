#include "worker/trainer/net/phi.h"

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

// One LayerNorm per block feeding attention and MLP side by side, rotary embedding on the first
// rotary_dim dimensions of each head, tanh-approximated GELU, biases everywhere, lm_head included.
class Phi : public Network {
 public:
  Phi(const ModelConfig& config, const Parameters& parameters);

  at::Tensor Embed(const at::Tensor& ids) const override;
  Rotary RotaryFor(const at::Tensor& positions) const override;
  at::Tensor Block(int64_t layer, const at::Tensor& hidden, const Rotary& rotary,
                   const Attend& attend, const Dropout& dropout) const override;
  at::Tensor FinalNorm(const at::Tensor& hidden) const override;

 private:
  // Indices of a layer's weight and bias.
  struct Affine {
    size_t weight;
    size_t bias;
  };
  struct BlockLayout {
    Affine norm, q, k, v, dense, fc1, fc2;
    std::optional<Affine> q_norm, k_norm;
  };

  Affine Find(const std::string& prefix) const;
  BlockLayout FindBlock(const std::string& prefix) const;
  // Indices of all parameters whose names begin so.
  std::vector<size_t> Below(const std::string& prefix) const;
  at::Tensor Project(const Affine& affine, const at::Tensor& x) const;
  at::Tensor Norm(const Affine& affine, const at::Tensor& x) const;
  at::Tensor Attention(const BlockLayout& block, const at::Tensor& normed, const Rotary& rotary,
                       const Attend& attend) const;

  const ModelConfig config_;
  Affine final_norm_;
  std::vector<BlockLayout> blocks_;
};

Phi::Phi(const ModelConfig& config, const Parameters& parameters)
    : Network(parameters), config_(config), final_norm_(Find("model.final_layernorm")) {
  shape_ = {.blocks = config.num_hidden_layers,
            .vocab_size = config.vocab_size,
            .key_value_heads = config.num_key_value_heads,
            .head_dim = config.head_dim(),
            .positions = config.max_position_embeddings,
            .embedding_dropout = config.embd_pdrop,
            .attention_dropout = config.attention_dropout,
            .pad_token_id = config.pad_token_id};
  embedding_ = parameters.IndexOf("model.embed_tokens.weight");
  head_ = {config.tie_word_embeddings ? embedding_ : parameters.IndexOf("lm_head.weight"),
           parameters.IndexOf("lm_head.bias")};
  final_norm_parameters_ = {final_norm_.weight, final_norm_.bias};
  for (int64_t layer = 0; layer < config.num_hidden_layers; ++layer) {
    const std::string prefix = absl::StrCat("model.layers.", layer, ".");
    blocks_.push_back(FindBlock(prefix));
    block_parameters_.push_back(Below(prefix));
  }
}

Phi::Affine Phi::Find(const std::string& prefix) const {
  return {parameters_.IndexOf(prefix + ".weight"), parameters_.IndexOf(prefix + ".bias")};
}

Phi::BlockLayout Phi::FindBlock(const std::string& prefix) const {
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
  return block;
}

std::vector<size_t> Phi::Below(const std::string& prefix) const {
  std::vector<size_t> indices;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    if (parameters_[i].name.starts_with(prefix)) indices.push_back(i);
  }
  return indices;
}

at::Tensor Phi::Project(const Affine& affine, const at::Tensor& x) const {
  return Linear(x, parameters_[affine.weight].weight, parameters_[affine.bias].weight);
}

at::Tensor Phi::Norm(const Affine& affine, const at::Tensor& x) const {
  return LayerNorm(x, parameters_[affine.weight].weight, parameters_[affine.bias].weight,
                   config_.layer_norm_eps);
}

at::Tensor Phi::Embed(const at::Tensor& ids) const {
  return at::embedding(parameters_[embedding_].weight, ids);
}

Rotary Phi::RotaryFor(const at::Tensor& positions) const {
  const auto options = at::TensorOptions(at::kFloat).device(positions.device());
  const int64_t dim = config_.rotary_dim();
  const at::Tensor exponents = at::arange(0, dim, 2, options).div(static_cast<double>(dim));
  const at::Tensor frequencies = at::pow(config_.rope_theta, exponents).reciprocal();
  const at::Tensor angles = at::outer(positions.to(at::kFloat), frequencies);
  const at::Tensor both = at::cat({angles, angles}, -1).unsqueeze(1);
  return {both.cos().to(parameters_.type()), both.sin().to(parameters_.type())};
}

at::Tensor Phi::Attention(const BlockLayout& block, const at::Tensor& normed, const Rotary& rotary,
                          const Attend& attend) const {
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

at::Tensor Phi::Block(int64_t layer, const at::Tensor& hidden, const Rotary& rotary,
                      const Attend& attend, const Dropout& dropout) const {
  const BlockLayout& block = blocks_[layer];
  const at::Tensor normed = Norm(block.norm, hidden);
  const at::Tensor attention = Attention(block, normed, rotary, attend);
  const at::Tensor mlp = Project(block.fc2, Gelu(Project(block.fc1, normed)));
  return dropout.Apply(attention, config_.resid_pdrop, AttentionOutputSite(layer)) +
         dropout.Apply(mlp, config_.resid_pdrop, MlpOutputSite(layer)) + hidden;
}

at::Tensor Phi::FinalNorm(const at::Tensor& hidden) const { return Norm(final_norm_, hidden); }

}  // namespace

std::unique_ptr<Network> MakePhi(const ModelConfig& config, const Parameters& parameters) {
  return std::make_unique<Phi>(config, parameters);
}

}  // namespace tune::trainer
