#include "worker/trainer/net/ops/gelu.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tiny_model.h"
#include "worker/trainer/net/ops/autograd.h"

namespace tune::trainer {
namespace {

struct Values {
  at::Tensor output, gradient;
};

Values Both(const at::Tensor& x) {
  const c10::AutoGradMode with_grad(true);
  const at::Tensor leaf = x.detach().clone().requires_grad_();
  const at::Tensor y = Gelu(leaf);
  return {y.detach(), BackwardThrough(y, {leaf}, RandomTensor(x.sizes(), 9))[0]};
}

// Hendrycks & Gimpel, arXiv:1606.08415, in fp64.
TEST(Gelu, IsTheTanhForm) {
  const at::Tensor x = RandomTensor({7, 33}, 1).to(at::kDouble) * 3;
  const at::Tensor inner = (x + x.pow(3) * 0.044715) * std::sqrt(2 / M_PI);
  const at::Tensor exact = x * 0.5 * (inner.tanh() + 1);
  EXPECT_LT(RelativeError(Gelu(x.to(at::kFloat)), exact), 1e-6);
  // Central differences.
  const double step = 1e-5;
  const auto at = [](const at::Tensor& v) {
    return v * 0.5 * (((v + v.pow(3) * 0.044715) * std::sqrt(2 / M_PI)).tanh() + 1);
  };
  const at::Tensor slope = (at(x + step) - at(x - step)) / (2 * step);
  EXPECT_LT(RelativeError(Both(x.to(at::kFloat)).gradient, slope * RandomTensor({7, 33}, 9)), 1e-5);
}

// One part and several, and no multiple of a vector for any number of threads.
TEST(Gelu, DoesNotDependOnThreads) {
  const int threads = at::get_num_threads();
  for (const int64_t rows : {101, 165, 233, 365, 1031}) {
    const at::Tensor x = RandomTensor({rows, 99}, static_cast<uint64_t>(rows)) * 3;
    at::set_num_threads(1);
    const Values one = Both(x);
    for (const int count : {2, 3, 5}) {
      at::set_num_threads(count);
      const Values several = Both(x);
      EXPECT_TRUE(several.output.equal(one.output)) << rows << " " << count;
      EXPECT_TRUE(several.gradient.equal(one.gradient)) << rows << " " << count;
    }
  }
  at::set_num_threads(threads);
}

}  // namespace
}  // namespace tune::trainer
