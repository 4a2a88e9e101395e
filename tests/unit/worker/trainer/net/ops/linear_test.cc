#include "worker/trainer/net/ops/linear.h"

#include <gtest/gtest.h>

#include "tiny_model.h"
#include "worker/trainer/net/ops/autograd.h"

namespace tune::trainer {
namespace {

TEST(Linear, DoesNotDependOnThreads) {
  const int threads = at::get_num_threads();
  for (int64_t rows = 1; rows <= 20; ++rows) {
    const auto run = [rows](int count) {
      at::set_num_threads(count);
      const at::Tensor x = RandomTensor({rows, 32}, 1).requires_grad_();
      const at::Tensor weight = RandomTensor({48, 32}, 2).requires_grad_();
      const at::Tensor y = Linear(x, weight, RandomTensor({48}, 3));
      auto results = BackwardThrough(y, {x, weight}, RandomTensor({rows, 48}, 4));
      results.push_back(y.detach());
      return results;
    };
    const auto one = run(1), two = run(2);
    for (size_t i = 0; i < one.size(); ++i) EXPECT_TRUE(one[i].equal(two[i])) << rows << " " << i;
  }
  at::set_num_threads(threads);
}

TEST(Linear, FillingChangesNothing) {
  const at::Tensor x = RandomTensor({7, 32}, 1), weight = RandomTensor({48, 32}, 2);
  const at::Tensor bias = RandomTensor({48}, 3);
  const at::Tensor expected =
      at::linear(x.to(at::kDouble), weight.to(at::kDouble), bias.to(at::kDouble));
  EXPECT_LT(RelativeError(Linear(x, weight, bias), expected), 1e-6);
}

// Sums of 4096 products that nearly cancel: rounded in any other place they would be others. What
// the fp32 products of the same values give is what comes, forward and backward.
TEST(Linear, MultipliesBf16InFp32WhereTheProcessorHasNoUnitsForIt) {
  if (MultipliesBf16()) GTEST_SKIP() << "this processor has units for bf16";
  const auto random = [](at::IntArrayRef shape, int seed) {
    return RandomTensor(shape, seed).to(at::kBFloat16);
  };
  const at::Tensor x = random({48, 4096}, 1), weight = random({256, 4096}, 2);
  const at::Tensor bias = random({256}, 3), gradient = random({48, 256}, 4);
  const auto run = [&](const at::Tensor& input, const at::Tensor& w, const auto& linear) {
    const at::Tensor leaf = input.detach().requires_grad_(), w_leaf = w.detach().requires_grad_();
    const at::Tensor y = linear(leaf, w_leaf);
    auto results = BackwardThrough(y, {leaf, w_leaf}, gradient.to(y.scalar_type()));
    results.push_back(y.detach());
    return results;
  };
  const auto ours =
      run(x, weight, [&](const at::Tensor& a, const at::Tensor& b) { return Linear(a, b, bias); });
  const auto wide =
      run(x.to(at::kFloat), weight.to(at::kFloat), [&](const at::Tensor& a, const at::Tensor& b) {
        return at::linear(a, b, bias.to(at::kFloat));
      });
  for (size_t i = 0; i < ours.size(); ++i) {
    EXPECT_EQ(ours[i].scalar_type(), at::kBFloat16);
    EXPECT_TRUE(ours[i].equal(wide[i].to(at::kBFloat16))) << i;
  }
  EXPECT_TRUE(Product(gradient, weight).equal(ours[0]));
}

// On any processor: few rows and many are within bf16's own error of the products in fp64.
TEST(Linear, InBf16IsWithinItsRounding) {
  for (const int64_t rows : {1, 7, 15, 16, 40}) {
    const at::Tensor x = RandomTensor({rows, 64}, 1).to(at::kBFloat16);
    const at::Tensor weight = RandomTensor({48, 64}, 2).to(at::kBFloat16);
    const at::Tensor bias = RandomTensor({48}, 3).to(at::kBFloat16);
    const at::Tensor expected =
        at::linear(x.to(at::kDouble), weight.to(at::kDouble), bias.to(at::kDouble));
    EXPECT_LT(RelativeError(Linear(x, weight, bias), expected), 4e-3) << rows;
  }
}

}  // namespace
}  // namespace tune::trainer
