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

}  // namespace
}  // namespace tune::trainer
