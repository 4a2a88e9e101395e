#include "worker/trainer/net/attention.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tiny_model.h"
#include "worker/trainer/net/ops/autograd.h"

namespace tune::trainer {
namespace {

// One dense attention over all tokens, with everything masked that is in another segment
// or later; fp64.
at::Tensor DenseAttention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                          const std::vector<int64_t>& offsets) {
  const int64_t tokens = q.size(0), heads = q.size(1), group = heads / k.size(1);
  at::Tensor mask = at::zeros({tokens, tokens}, at::kBool);
  for (size_t s = 0; s + 1 < offsets.size(); ++s) {
    for (int64_t i = offsets[s]; i < offsets[s + 1]; ++i) {
      for (int64_t j = offsets[s]; j <= i; ++j) mask[i][j] = true;
    }
  }
  std::vector<at::Tensor> out;
  for (int64_t h = 0; h < heads; ++h) {
    const at::Tensor qh = q.select(1, h).to(at::kDouble);
    const at::Tensor kh = k.select(1, h / group).to(at::kDouble);
    const at::Tensor vh = v.select(1, h / group).to(at::kDouble);
    const at::Tensor scores = at::mm(qh, kh.t()) / std::sqrt(static_cast<double>(q.size(2)));
    const at::Tensor masked =
        scores.masked_fill(mask.logical_not(), -std::numeric_limits<double>::infinity());
    out.push_back(at::mm(at::softmax(masked, -1), vh).unsqueeze(1));
  }
  return at::cat(out, 1);
}

TEST(SegmentAttention, EqualsDenseMaskedAttention) {
  const std::vector<int64_t> offsets = {0, 7, 8, 21};
  const at::Tensor q = RandomTensor({21, 4, 10}, 1);
  const at::Tensor k = RandomTensor({21, 4, 10}, 2);
  const at::Tensor v = RandomTensor({21, 4, 10}, 3);
  const at::Tensor out =
      SegmentAttention(q, k, v, MakeSegmentLayout(offsets, at::kCPU), Dropout(), 0, 0);
  EXPECT_LT(RelativeError(out, DenseAttention(q, k, v, offsets)), 1e-6);
}

TEST(SegmentAttention, SharesKeyValueHeadsInGroups) {
  const std::vector<int64_t> offsets = {0, 5, 12};
  const at::Tensor q = RandomTensor({12, 6, 8}, 1);
  const at::Tensor k = RandomTensor({12, 2, 8}, 2);
  const at::Tensor v = RandomTensor({12, 2, 8}, 3);
  const at::Tensor out =
      SegmentAttention(q, k, v, MakeSegmentLayout(offsets, at::kCPU), Dropout(), 0, 0);
  EXPECT_LT(RelativeError(out, DenseAttention(q, k, v, offsets)), 1e-6);
}

TEST(SegmentAttention, GradientsEqualDenseMaskedAttention) {
  const std::vector<int64_t> offsets = {0, 7, 8, 21, 40};
  std::vector<at::Tensor> inputs, exact;
  for (uint64_t i = 0; i < 3; ++i) {
    inputs.push_back(RandomTensor({40, 4, 10}, i).requires_grad_());
    exact.push_back(inputs[i].detach().to(at::kDouble).requires_grad_());
  }
  const at::Tensor gradient = RandomTensor({40, 4, 10}, 9);
  const SegmentLayout layout = MakeSegmentLayout(offsets, at::kCPU);
  const at::Tensor out = SegmentAttention(inputs[0], inputs[1], inputs[2], layout, Dropout(), 0, 0);
  const auto actual = BackwardThrough(out, inputs, gradient);
  const auto expected = BackwardThrough(DenseAttention(exact[0], exact[1], exact[2], offsets),
                                        exact, gradient.to(at::kDouble));
  for (size_t i = 0; i < 3; ++i) EXPECT_LT(RelativeError(actual[i], expected[i]), 1e-6) << i;
}

// Phi-2's products of queries and keys go past what fp16 can hold (65504), and where they
// are summed in it nothing but NaN comes out (its model card asks for fp32 attention).
TEST(SegmentAttention, TakesProductsBeyondFp16) {
  const at::Tensor q = (RandomTensor({24, 2, 80}, 1) * 100).to(at::kBFloat16);
  const at::Tensor k = (RandomTensor({24, 2, 80}, 2) * 100).to(at::kBFloat16);
  const at::Tensor v = RandomTensor({24, 2, 80}, 3).to(at::kBFloat16);
  const at::Tensor products = at::matmul(q.transpose(0, 1), k.permute({1, 2, 0}));
  ASSERT_GT(products.abs().max().item<float>(), 2 * 65504);
  const std::vector<int64_t> offsets = {0, 9, 24};
  const at::Tensor out =
      SegmentAttention(q, k, v, MakeSegmentLayout(offsets, at::kCPU), Dropout(), 0, 0);
  EXPECT_LT(RelativeError(out, DenseAttention(q, k, v, offsets)), 0.01);
}

// A row that is not a number spoils its own segment only, whatever fills segments up.
TEST(SegmentAttention, KeepsNaNInItsSegment) {
  at::Tensor q = RandomTensor({12, 2, 8}, 1);
  q[0].fill_(std::numeric_limits<float>::quiet_NaN());
  const at::Tensor out =
      SegmentAttention(q, q, q, MakeSegmentLayout({0, 5, 12}, at::kCPU), Dropout(), 0, 0);
  EXPECT_TRUE(out.narrow(0, 5, 7).isfinite().all().item<bool>());
}

TEST(SegmentAttention, DoesNotDependOnThreads) {
  const int threads = at::get_num_threads();
  const std::vector<int64_t> offsets = {0, 5, 22, 49, 50};
  const auto run = [&](int count) {
    at::set_num_threads(count);
    const at::Tensor q = RandomTensor({50, 4, 10}, 1).requires_grad_();
    const at::Tensor out =
        SegmentAttention(q, q, q, MakeSegmentLayout(offsets, at::kCPU), Dropout(), 0, 0);
    return at::cat({out.detach(), BackwardThrough(out, {q}, RandomTensor({50, 4, 10}, 2))[0]});
  };
  const at::Tensor one = run(1);
  for (const int count : {2, 3, 5}) EXPECT_TRUE(run(count).equal(one)) << count;
  at::set_num_threads(threads);
}

TEST(SegmentAttention, DroppedFormDoesNotDependOnThreads) {
  const int threads = at::get_num_threads();
  const MicroBatch batch =
      BatchOf({RandomExample(5, 0, 1), RandomExample(17, 0, 2), RandomExample(73, 0, 3)});
  for (const int64_t heads : {1, 4}) {
    const auto run = [&](int count) {
      at::set_num_threads(count);
      const at::Tensor q = RandomTensor({95, heads, 20}, 1).requires_grad_();
      const at::Tensor out = SegmentAttention(q, q, q, MakeSegmentLayout(batch.offsets, at::kCPU),
                                              Dropout(3, 1, batch), 0.1, 7);
      return at::cat({out.detach(), BackwardThrough(out, {q}, RandomTensor(q.sizes(), 2))[0]});
    };
    const at::Tensor one = run(1);
    for (const int count : {2, 3, 5}) EXPECT_TRUE(run(count).equal(one)) << heads << " " << count;
  }
  at::set_num_threads(threads);
}

TEST(MakeSegmentLayout, GathersSegmentsOfAboutOneLength) {
  const SegmentLayout layout = MakeSegmentLayout({0, 3, 20, 22, 38}, at::kCPU);
  ASSERT_EQ(layout.groups.size(), 2u);
  EXPECT_EQ(layout.groups[0].segments, 3);  // 3, 2 and 16 long
  EXPECT_EQ(layout.groups[0].length, 16);
  EXPECT_EQ(layout.groups[1].segments, 1);
  EXPECT_EQ(layout.groups[1].length, 32);
}

TEST(SegmentAttention, DroppedFormAgreesWhereNothingIsDropped) {
  // p so small that no weight of this size is dropped, but the other code path runs.
  const std::vector<Example> examples = {RandomExample(9, 0, 1)};
  const MicroBatch batch = BatchOf(examples);
  const at::Tensor q = RandomTensor({9, 2, 8}, 1);
  const at::Tensor out = SegmentAttention(q, q, q, MakeSegmentLayout(batch.offsets, at::kCPU),
                                          Dropout(0, 0, batch), 1e-12, 0);
  EXPECT_LT(RelativeError(out, DenseAttention(q, q, q, batch.offsets)), 1e-6);
}

TEST(SegmentAttention, DropsAttentionWeightsWithProbabilityP) {
  const std::vector<Example> examples = {RandomExample(40, 0, 1)};
  const MicroBatch batch = BatchOf(examples);
  // Keys all alike: each position averages the values before it; with values of one the
  // mean of the output is the mean of the masks.
  const at::Tensor q = at::zeros({40, 8, 4}, at::kFloat);
  const at::Tensor v = at::ones({40, 8, 4}, at::kFloat);
  const at::Tensor out = SegmentAttention(q, q, v, MakeSegmentLayout(batch.offsets, at::kCPU),
                                          Dropout(3, 1, batch), 0.5, 7);
  EXPECT_NEAR(out.mean().item<double>(), 1, 0.1);
  EXPECT_GT(out.std().item<double>(), 0.1);
}

TEST(CachedAttention, LastQueriesEqualTheWhole) {
  const at::Tensor q = RandomTensor({11, 4, 10}, 1);
  const at::Tensor k = RandomTensor({11, 2, 10}, 2);
  const at::Tensor v = RandomTensor({11, 2, 10}, 3);
  const at::Tensor whole =
      SegmentAttention(q, k, v, MakeSegmentLayout({0, 11}, at::kCPU), Dropout(), 0, 0);
  const at::Tensor last = CachedAttention(q.narrow(0, 8, 3), k, v);
  EXPECT_LT(RelativeError(last, whole.narrow(0, 8, 3)), 1e-6);
}

}  // namespace
}  // namespace tune::trainer
