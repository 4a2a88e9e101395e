#include "worker/trainer/optim/optimizer.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tiny_model.h"
#include "worker/trainer/optim/host_kernels.h"

namespace tune::trainer {
namespace {

RunSpec SpecWithDecay(double beta2 = 0.95) {
  RunSpec spec;
  spec.weight_decay = 0.1;
  spec.betas = {0.9, beta2};
  return spec;
}

// torch.optim.AdamW's single-tensor formula in fp64.
struct Fp64AdamW {
  at::Tensor p, m, v;

  void Step(const at::Tensor& gradient, const RunSpec& spec, double lr, int t) {
    const at::Tensor g = gradient.to(at::kDouble);
    p = p * (1 - lr * spec.weight_decay);
    m = m * spec.betas[0] + g * (1 - spec.betas[0]);
    v = v * spec.betas[1] + g * g * (1 - spec.betas[1]);
    const at::Tensor root = v.sqrt() / std::sqrt(1 - std::pow(spec.betas[1], t));
    p = p - m / (root + spec.eps) * (lr / (1 - std::pow(spec.betas[0], t)));
  }
};

// A parameter's part of a flat tensor.
at::Tensor PartOf(const at::Tensor& flat, const Parameters& parameters, size_t index) {
  const Range range = parameters.layout().Parameter(index);
  return flat.narrow(0, range.begin, range.size()).view(parameters[index].weight.sizes());
}

void FillGradients(const Parameters& parameters, int step, Gradients* gradients) {
  gradients->Clear();
  gradients->BeginLastPass();
  for (size_t i = 0; i < parameters.size(); ++i) {
    gradients->Add(i, RandomTensor(parameters[i].weight.sizes(), 1000 * step + i) * 0.01);
  }
  gradients->Done(0);
  gradients->Norm();
}

class AdamWBetas : public testing::TestWithParam<double> {};

TEST_P(AdamWBetas, EqualTheFormulaInFp64OverSteps) {
  const TinyModel tiny(TinyConfig());
  const RunSpec spec = SpecWithDecay(GetParam());
  const auto ranks = OneRank();
  AdamW optimizer(tiny.parameters, spec, *ranks, *tiny.lanes, {});
  Gradients gradients(tiny.parameters, *ranks, *tiny.lanes, {});
  std::vector<Fp64AdamW> expected;
  for (size_t i = 0; i < tiny.parameters.size(); ++i) {
    const at::Tensor start = RandomTensor(tiny.parameters[i].weight.sizes(), i);
    optimizer.SetMaster(i, start);
    const at::Tensor zero = at::zeros(start.sizes(), at::kDouble);
    expected.push_back({start.to(at::kDouble), zero, zero});
  }
  for (int t = 1; t <= 20; ++t) {
    FillGradients(tiny.parameters, t, &gradients);
    optimizer.Step(gradients, 1e-2, 0.5, t);
    for (size_t i = 0; i < expected.size(); ++i)
      expected[i].Step(gradients[i] * 0.5, spec, 1e-2, t);
  }
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_LT(RelativeError(PartOf(optimizer.shard().master, tiny.parameters, i), expected[i].p),
              1e-6);
    EXPECT_LT(
        RelativeError(PartOf(optimizer.shard().exp_avg_sq, tiny.parameters, i), expected[i].v),
        1e-6);
    EXPECT_LT(RelativeError(tiny.parameters[i].weight, expected[i].p), 1e-6);
  }
}

INSTANTIATE_TEST_SUITE_P(Beta2, AdamWBetas, testing::Values(0.95, 0.999, 0.99999));

TEST(AdamW, Bf16WeightsAreTheMastersRounded) {
  const TinyModel tiny(TinyConfig(), at::kBFloat16);
  const auto ranks = OneRank();
  AdamW optimizer(tiny.parameters, SpecWithDecay(), *ranks, *tiny.lanes, {});
  Gradients gradients(tiny.parameters, *ranks, *tiny.lanes, {});
  for (size_t i = 0; i < tiny.parameters.size(); ++i) {
    optimizer.SetMaster(i, RandomTensor(tiny.parameters[i].weight.sizes(), i));
  }
  FillGradients(tiny.parameters, 1, &gradients);
  optimizer.Step(gradients, 1e-3, 1, 1);
  for (size_t i = 0; i < tiny.parameters.size(); ++i) {
    const at::Tensor rounded =
        PartOf(optimizer.shard().master, tiny.parameters, i).to(at::kBFloat16);
    EXPECT_TRUE(rounded.equal(tiny.parameters[i].weight.detach())) << tiny.parameters[i].name;
  }
}

// Sizes around vectors and chunks: every element once, whatever the tail.
TEST(AdamWUpdate, TakesEverySize) {
  for (const int64_t n : {1, 3, 15, 17, 32767, 32768, 32769, 100003}) {
    const at::Tensor gradient = RandomTensor({n}, 1);
    const at::Tensor start = RandomTensor({n}, 2);
    const at::Tensor master = start.clone(), weight = at::empty({n}, at::kFloat);
    const at::Tensor m = at::zeros({n}, at::kFloat), v = at::zeros({n}, at::kFloat);
    AdamWUpdate({1, 1, 0.1f, 0.999f, 0.001f, /*step_size=*/0.1f / 0.1f, std::sqrt(0.001f), 1e-14f},
                gradient, master, m, v, weight);
    // The first step moves every weight by the rate against its gradient's sign.
    const at::Tensor expected = start - gradient.sign() * 0.1;
    EXPECT_LT((master - expected).abs().max().item<float>(), 1e-3) << n;
    EXPECT_TRUE(weight.equal(master)) << n;
  }
}

// bf16 gradients are fp32 ones of which the kernel reads half the bytes: not a bit differs, in
// whatever way the weights are written.
TEST(AdamWUpdate, TakesBf16GradientsAsTheirFp32Values) {
  for (const int64_t n : {1, 63, 640, 32769, 100003}) {
    for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
      const at::Tensor gradient = RandomTensor({n}, 1).to(at::kBFloat16);
      const auto update = [&](const at::Tensor& of) {
        at::Tensor master = RandomTensor({n}, 2), weight = at::empty({n}, type);
        const at::Tensor m = RandomTensor({n}, 3), v = RandomTensor({n}, 4).abs();
        AdamWUpdate({0.7f, 0.99f, 0.1f, 0.999f, 0.001f, 0.1f, 0.3f, 1e-8f}, of, master, m, v,
                    weight);
        return at::cat({master, m, v, weight.to(at::kFloat)});
      };
      EXPECT_TRUE(update(gradient).equal(update(gradient.to(at::kFloat)))) << n << " " << type;
    }
  }
}

TEST(AdamWUpdate, DoesNotDependOnThreads) {
  const int threads = at::get_num_threads();
  const auto update = [](int count) {
    at::set_num_threads(count);
    at::Tensor master = RandomTensor({300001}, 2);
    const at::Tensor m = RandomTensor({300001}, 3), v = RandomTensor({300001}, 4).abs();
    AdamWUpdate({0.7f, 0.99f, 0.1f, 0.999f, 0.001f, 0.1f, 0.3f, 1e-8f}, RandomTensor({300001}, 1),
                master, m, v, master);
    return master;
  };
  EXPECT_TRUE(update(1).equal(update(2)));
  at::set_num_threads(threads);
}

TEST(SumOfSquares, EqualsFp64AndDoesNotDependOnThreads) {
  const int threads = at::get_num_threads();
  const at::Tensor x = RandomTensor({1000003}, 1);
  at::set_num_threads(1);
  const double one = SumOfSquares(x);
  at::set_num_threads(2);
  EXPECT_EQ(SumOfSquares(x), one);
  at::set_num_threads(threads);
  EXPECT_NEAR(one / x.to(at::kDouble).square().sum().item<double>(), 1, 1e-12);
}

TEST(SumOfSquares, TakesBf16AsItsFp32Values) {
  const at::Tensor x = RandomTensor({100003}, 1).to(at::kBFloat16);
  EXPECT_EQ(SumOfSquares(x), SumOfSquares(x.to(at::kFloat)));
}

TEST(SumOfSquares, ShowsWhatIsNotFinite) {
  at::Tensor x = RandomTensor({100}, 1);
  x[37] = std::numeric_limits<float>::infinity();
  EXPECT_FALSE(std::isfinite(SumOfSquares(x)));
}

TEST(ClipScale, BringsTheNormDownAndNeverUp) {
  EXPECT_NEAR(ClipScale(4, 1), 0.25, 1e-6);
  EXPECT_EQ(ClipScale(0.5, 1), 1);
  EXPECT_EQ(ClipScale(1e9, 0), 1);
}

TEST(Gradients, AddUpAndStartAnew) {
  const TinyModel tiny(TinyConfig());
  const auto ranks = OneRank();
  Gradients gradients(tiny.parameters, *ranks, *tiny.lanes, {});
  const at::Tensor g = RandomTensor(tiny.parameters[0].weight.sizes(), 1);
  gradients.Add(0, g);
  gradients.Add(0, g);
  EXPECT_TRUE(gradients[0].equal(g * 2));
  gradients.Clear();
  gradients.Add(0, g);
  EXPECT_TRUE(gradients[0].equal(g));
}

// 512 gradients of 2^-9 after one of 1: in bf16 each is lost in the sum.
TEST(Gradients, AddUpInFp32WhateverTheModelComputesIn) {
  const TinyModel tiny(TinyConfig(), at::kBFloat16);
  const auto ranks = OneRank();
  Gradients gradients(tiny.parameters, *ranks, *tiny.lanes, {});
  const size_t embedding = tiny.model.embedding(), norm = tiny.model.FinalNormParameters()[0];
  const auto add = [&](double value) {
    const auto bf16 = at::TensorOptions(at::kBFloat16);
    gradients.Add(norm, at::full(tiny.parameters[norm].weight.sizes(), value, bf16));
    gradients.AddRows(embedding, at::tensor({5}, at::kLong), at::full({1, 40}, value, bf16));
  };
  add(1);
  for (int i = 0; i < 512; ++i) add(1.0 / 512);
  EXPECT_EQ(gradients[norm].min().item<float>(), 2);
  EXPECT_EQ(gradients[embedding][5].min().item<float>(), 2);
}

TEST(Gradients, RowsOfOneIdAddUp) {
  const TinyModel tiny(TinyConfig());
  const auto ranks = OneRank();
  Gradients gradients(tiny.parameters, *ranks, *tiny.lanes, {});
  const size_t embedding = tiny.model.embedding();
  const at::Tensor rows = RandomTensor({3, 40}, 1);
  gradients.AddRows(embedding, at::tensor({5, 2, 5}, at::kLong), rows);
  EXPECT_TRUE(gradients[embedding][5].equal(rows[0] + rows[2]));
  EXPECT_TRUE(gradients[embedding][2].equal(rows[1]));
  EXPECT_EQ(gradients[embedding][3].abs().max().item<float>(), 0);
}

}  // namespace
}  // namespace tune::trainer
