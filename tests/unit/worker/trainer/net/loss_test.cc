#include "worker/trainer/net/loss.h"

#include <ATen/ops/cross_entropy_loss.h>
#include <gtest/gtest.h>

#include "tiny_model.h"
#include "worker/trainer/net/ops/autograd.h"

namespace tune::trainer {
namespace {

HeadInput RandomHead(int64_t targets) {
  at::Tensor labels = at::empty({targets}, at::kLong);
  for (int64_t i = 0; i < targets; ++i) labels[i] = static_cast<int64_t>(MixSeed(5, i) % 53);
  return {.hidden = RandomTensor({targets, 16}, 1),
          .weight = RandomTensor({53, 16}, 2),
          .bias = RandomTensor({53}, 3),
          .labels = labels};
}

TEST(TokenLosses, EqualCrossEntropy) {
  const HeadInput head = RandomHead(23);
  const at::Tensor logits = at::addmm(head.bias, head.hidden, head.weight.t());
  const at::Tensor expected = at::cross_entropy_loss(logits, head.labels, {}, /*reduction=none*/ 0);
  EXPECT_LT(RelativeError(TokenLosses(head, 23), expected), 1e-6);
}

TEST(TokenLosses, DoNotDependOnTheChunk) {
  const HeadInput head = RandomHead(23);
  const at::Tensor whole = TokenLosses(head, 1000);
  for (const int64_t chunk : {1, 5, 22, 23}) {
    EXPECT_LT(RelativeError(TokenLosses(head, chunk), whole), 1e-6) << chunk;
  }
}

TEST(TokenLosses, OfNoTargetsAreNone) {
  HeadInput head = RandomHead(3);
  head.hidden = head.hidden.narrow(0, 0, 0);
  head.labels = head.labels.narrow(0, 0, 0);
  HeadGradients gradients;
  EXPECT_EQ(TokenLossesAndGradients(head, 1, 4, &gradients).numel(), 0);
  EXPECT_EQ(gradients.weight.abs().max().item<float>(), 0);
}

TEST(TokenLossesAndGradients, EqualAutograd) {
  const HeadInput head = RandomHead(23);
  const at::Tensor hidden = head.hidden.to(at::kDouble).requires_grad_();
  const at::Tensor weight = head.weight.to(at::kDouble).requires_grad_();
  const at::Tensor bias = head.bias.to(at::kDouble).requires_grad_();
  const at::Tensor mean = at::cross_entropy_loss(at::addmm(bias, hidden, weight.t()), head.labels);
  const auto expected = BackwardThrough(mean, {hidden, weight, bias}, at::ones({}, at::kDouble));
  HeadGradients gradients;
  TokenLossesAndGradients(head, 1.0 / 23, 6, &gradients);
  EXPECT_LT(RelativeError(gradients.hidden, expected[0]), 1e-6);
  EXPECT_LT(RelativeError(gradients.weight, expected[1]), 1e-6);
  EXPECT_LT(RelativeError(gradients.bias, expected[2]), 1e-6);
}

TEST(TokenLossesAndGradients, Bf16StaysWithinItsRounding) {
  const HeadInput exact = RandomHead(23);
  HeadInput rounded = exact;
  for (at::Tensor* x : {&rounded.hidden, &rounded.weight, &rounded.bias}) {
    *x = x->to(at::kBFloat16);
  }
  HeadGradients expected, actual;
  const at::Tensor losses = TokenLossesAndGradients(exact, 1, 8, &expected);
  const at::Tensor rounded_losses = TokenLossesAndGradients(rounded, 1, 8, &actual);
  EXPECT_EQ(actual.weight.scalar_type(), at::kFloat);
  // bf16 keeps 8 bits: 2^-8 per rounding, a few of them in a row.
  EXPECT_LT(RelativeError(rounded_losses, losses), 0.02);
  EXPECT_LT(RelativeError(actual.weight, expected.weight), 0.05);
}

// The softmax is fp32's even so: of the bf16 logits, not of rounded probabilities.
TEST(TokenLosses, TakeTheSoftmaxOfBf16LogitsInFp32) {
  HeadInput head = RandomHead(23);
  for (at::Tensor* x : {&head.hidden, &head.weight, &head.bias}) *x = x->to(at::kBFloat16);
  const at::Tensor logits = at::linear(head.hidden, head.weight, head.bias).to(at::kDouble);
  const at::Tensor expected = at::cross_entropy_loss(logits, head.labels, {}, /*reduction=none*/ 0);
  EXPECT_LT(RelativeError(TokenLosses(head, 23), expected), 1e-6);
}

TEST(LossChunkTokens, BoundsTheLogits) {
  EXPECT_EQ(LossChunkTokens(51200), 655);
  EXPECT_GE(LossChunkTokens(int64_t{1} << 40), 1);
}

}  // namespace
}  // namespace tune::trainer
