#include "worker/trainer/net/loss.h"

#include <algorithm>

#include "worker/trainer/net/ops/linear.h"

namespace tune::trainer {
namespace {

// [rows, vocab] fp32
at::Tensor LogProbabilities(const HeadInput& input, const at::Tensor& hidden) {
  const at::Tensor logits = Linear(hidden, input.weight, input.bias);
  return at::_log_softmax(logits.to(at::kFloat), 1, /*half_to_float=*/false);
}

at::Tensor NegativeLogLikelihood(const at::Tensor& log_probabilities, const at::Tensor& labels) {
  return log_probabilities.gather(1, labels.unsqueeze(1)).squeeze(1).neg();
}

// d(scale * sum of losses) / d(logits) = scale * (softmax - onehot); in place.
at::Tensor LogitGradients(at::Tensor log_probabilities, const at::Tensor& labels, double scale) {
  at::Tensor gradients = log_probabilities.exp_();
  gradients.scatter_add_(1, labels.unsqueeze(1),
                         at::ones({labels.size(0), 1}, gradients.options()).neg());
  return gradients.mul_(scale);
}

// sum += a^T b, with the product in the type that suits the operands and the sum in fp32.
void AddProduct(at::Tensor& sum, const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor left = ForProducts(a), right = ForProducts(b);
  if (left.scalar_type() == sum.scalar_type()) {
    sum.addmm_(left.t(), right);
  } else {
    sum.add_(at::mm(left.t(), right));
  }
}

void AddChunkGradients(const HeadInput& input, const at::Tensor& hidden,
                       const at::Tensor& logit_gradients, int64_t begin, HeadGradients* out) {
  const at::Tensor narrow = logit_gradients.to(hidden.scalar_type());
  out->hidden.narrow(0, begin, hidden.size(0)).copy_(Product(narrow, input.weight));
  if (out->weight.defined()) AddProduct(out->weight, narrow, hidden);
  if (out->bias.defined()) out->bias.add_(logit_gradients.sum(0));
}

HeadGradients ZeroGradients(const HeadInput& input) {
  const auto fp32 = input.hidden.options().dtype(at::kFloat);
  HeadGradients gradients;
  gradients.hidden = at::empty_like(input.hidden);
  if (input.weight_gradient) gradients.weight = at::zeros(input.weight.sizes(), fp32);
  if (input.bias.defined()) gradients.bias = at::zeros(input.bias.sizes(), fp32);
  return gradients;
}

template <typename OnChunk>
at::Tensor ForEachChunk(const HeadInput& input, int64_t chunk_tokens, const OnChunk& on_chunk) {
  const int64_t targets = input.labels.size(0);
  std::vector<at::Tensor> losses = {at::empty({0}, input.hidden.options().dtype(at::kFloat))};
  for (int64_t begin = 0; begin < targets; begin += chunk_tokens) {
    const int64_t rows = std::min(chunk_tokens, targets - begin);
    const at::Tensor hidden = input.hidden.narrow(0, begin, rows);
    const at::Tensor labels = input.labels.narrow(0, begin, rows);
    at::Tensor log_probabilities = LogProbabilities(input, hidden);
    losses.push_back(NegativeLogLikelihood(log_probabilities, labels));
    on_chunk(begin, hidden, labels, log_probabilities);
  }
  return at::cat(losses);
}

}  // namespace

at::Tensor TokenLosses(const HeadInput& input, int64_t chunk_tokens) {
  const c10::NoGradGuard no_grad;
  return ForEachChunk(input, chunk_tokens, [](auto&&...) {});
}

at::Tensor TokenLossesAndGradients(const HeadInput& input, double scale, int64_t chunk_tokens,
                                   HeadGradients* gradients) {
  const c10::NoGradGuard no_grad;
  *gradients = ZeroGradients(input);
  return ForEachChunk(input, chunk_tokens,
                      [&](int64_t begin, const at::Tensor& hidden, const at::Tensor& labels,
                          at::Tensor& log_probabilities) {
                        AddChunkGradients(input, hidden,
                                          LogitGradients(log_probabilities, labels, scale), begin,
                                          gradients);
                      });
}

int64_t LossChunkTokens(int64_t vocab_size) {
  constexpr int64_t kChunkBytes = int64_t{128} << 20;
  return std::max<int64_t>(1, kChunkBytes / (4 * vocab_size));
}

}  // namespace tune::trainer
