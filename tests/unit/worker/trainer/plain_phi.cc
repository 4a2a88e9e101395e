#include "plain_phi.h"

#include <ATen/ops/log_softmax.h>
#include <ATen/ops/stack.h>

#include <cmath>
#include <limits>
#include <map>
#include <numbers>
#include <string>

#include "absl/strings/str_cat.h"
#include "worker/trainer/net/ops/autograd.h"

namespace tune::trainer {
namespace {

class Plain {
 public:
  Plain(const ModelConfig& config, const Parameters& parameters) : config_(config) {
    for (size_t i = 0; i < parameters.size(); ++i) {
      inputs_.push_back(parameters[i].weight.detach().to(at::kDouble).requires_grad_());
      weights_[parameters[i].name] = inputs_.back();
    }
  }

  const std::vector<at::Tensor>& inputs() const { return inputs_; }

  // The summed loss of an example's targets.
  at::Tensor Loss(const Example& example) const {
    const at::Tensor log_probabilities = at::log_softmax(Logits(example.ids), -1);
    at::Tensor loss = at::zeros({}, at::kDouble);
    for (size_t t = 1; t < example.ids.size(); ++t) {
      const auto row = static_cast<int64_t>(t) - 1;
      if (example.target[t] != 0) loss = loss - log_probabilities[row][example.ids[t]];
    }
    return loss;
  }

 private:
  at::Tensor Logits(const std::vector<int32_t>& ids) const {
    std::vector<at::Tensor> rows;
    for (const int32_t id : ids) rows.push_back(weights_.at("model.embed_tokens.weight")[id]);
    at::Tensor x = at::stack(rows);
    for (int64_t layer = 0; layer < config_.num_hidden_layers; ++layer) {
      const std::string prefix = absl::StrCat("model.layers.", layer, ".");
      const at::Tensor normed = Norm(x, prefix + "input_layernorm");
      x = Attention(normed, prefix + "self_attn.") + Mlp(normed, prefix + "mlp.") + x;
    }
    const char* head = config_.tie_word_embeddings ? "model.embed_tokens" : "lm_head";
    return at::matmul(Norm(x, "model.final_layernorm"),
                      weights_.at(absl::StrCat(head, ".weight")).t()) +
           weights_.at("lm_head.bias");
  }

  at::Tensor Affine(const at::Tensor& x, const std::string& name) const {
    return at::matmul(x, weights_.at(name + ".weight").t()) + weights_.at(name + ".bias");
  }

  at::Tensor Norm(const at::Tensor& x, const std::string& name) const {
    const at::Tensor centred = x - x.mean(-1, true);
    const at::Tensor variance = centred.square().mean(-1, true);
    return centred / (variance + config_.layer_norm_eps).sqrt() * weights_.at(name + ".weight") +
           weights_.at(name + ".bias");
  }

  at::Tensor Mlp(const at::Tensor& x, const std::string& prefix) const {
    const at::Tensor h = Affine(x, prefix + "fc1");
    const at::Tensor inner = (h + 0.044715 * h * h * h) * std::sqrt(2 / std::numbers::pi);
    return Affine(0.5 * h * (1 + inner.tanh()), prefix + "fc2");
  }

  // x [tokens, head_dim] of one head. Angles are fp32's, as in every implementation.
  at::Tensor Rotate(const at::Tensor& x) const {
    const auto dim =
        static_cast<int64_t>(static_cast<double>(x.size(1)) * config_.partial_rotary_factor);
    const at::Tensor powers = at::arange(0, dim, 2, at::kFloat) / static_cast<double>(dim);
    const at::Tensor positions = at::arange(x.size(0), at::kFloat);
    const at::Tensor angles =
        at::outer(positions, at::pow(config_.rope_theta, powers).reciprocal());
    const at::Tensor cos = angles.cos().to(at::kDouble), sin = angles.sin().to(at::kDouble);
    const at::Tensor a = x.narrow(1, 0, dim / 2), b = x.narrow(1, dim / 2, dim / 2);
    return at::cat({a * cos - b * sin, b * cos + a * sin, x.narrow(1, dim, x.size(1) - dim)}, 1);
  }

  at::Tensor Attention(const at::Tensor& x, const std::string& prefix) const {
    const int64_t dim = config_.hidden_size / config_.num_attention_heads;
    const int64_t group = config_.num_attention_heads / config_.num_key_value_heads;
    const at::Tensor q = Affine(x, prefix + "q_proj"), k = Affine(x, prefix + "k_proj");
    const at::Tensor v = Affine(x, prefix + "v_proj");
    const at::Tensor later = at::ones({x.size(0), x.size(0)}, at::kBool).triu(1);
    std::vector<at::Tensor> heads;
    for (int64_t head = 0; head < config_.num_attention_heads; ++head) {
      const int64_t kv_head = head / group;
      at::Tensor query = q.narrow(1, head * dim, dim), key = k.narrow(1, kv_head * dim, dim);
      if (config_.qk_layernorm) {
        query = Norm(query, prefix + "q_layernorm");
        key = Norm(key, prefix + "k_layernorm");
      }
      const at::Tensor scores =
          at::matmul(Rotate(query), Rotate(key).t()) / std::sqrt(static_cast<double>(dim));
      const at::Tensor masked = scores.masked_fill(later, -std::numeric_limits<double>::infinity());
      heads.push_back(at::matmul(at::softmax(masked, -1), v.narrow(1, kv_head * dim, dim)));
    }
    return Affine(at::cat(heads, 1), prefix + "dense");
  }

  const ModelConfig& config_;
  std::vector<at::Tensor> inputs_;
  std::map<std::string, at::Tensor> weights_;
};

}  // namespace

double PlainResult::GradientNorm() const {
  double squares = 0;
  for (const at::Tensor& gradient : gradients) squares += gradient.square().sum().item<double>();
  return std::sqrt(squares);
}

PlainResult PlainPhi(const ModelConfig& config, const Parameters& parameters,
                     const std::vector<Example>& examples) {
  const Plain plain(config, parameters);
  PlainResult result;
  at::Tensor total = at::zeros({}, at::kDouble);
  int64_t targets = 0;
  for (const Example& example : examples) {
    const at::Tensor loss = plain.Loss(example);
    result.losses.push_back(loss.item<double>());
    total = total + loss;
    targets += example.target_tokens();
  }
  result.gradients = BackwardThrough(total / static_cast<double>(targets), plain.inputs(),
                                     at::ones({}, at::kDouble));
  return result;
}

}  // namespace tune::trainer
