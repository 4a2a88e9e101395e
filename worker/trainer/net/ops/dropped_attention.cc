#include "worker/trainer/net/ops/dropped_attention.h"

#include <torch/csrc/autograd/custom_function.h>

#include <cmath>
#include <limits>

namespace tune::trainer {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Over the last dimension, in fp32. ATen's own backward sums a row in an order that depends on
// the number of threads.
class SoftmaxFunction : public torch::autograd::Function<SoftmaxFunction> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& scores) {
    const at::Tensor weights = at::softmax(scores, -1, at::kFloat);
    context->save_for_backward({weights});
    context->saved_data["type"] = scores.scalar_type();
    return weights;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const at::Tensor weights = context->get_saved_variables()[0];
    const at::Tensor weighted = gradients[0] * weights;
    const at::Tensor dx = weighted - weights * weighted.sum(-1, /*keepdim=*/true);
    return {dx.to(context->saved_data["type"].toScalarType())};
  }
};

// A product for each head. On a CPU a single one would be cut among the threads; of several
// each has one thread.
at::Tensor HeadProducts(const at::Tensor& a, const at::Tensor& b) {
  if (!a.is_cpu() || a.size(1) > 1) return at::matmul(a, b);
  return at::matmul(at::cat({a, a}, 1), at::cat({b, b}, 1)).narrow(1, 0, 1);
}

}  // namespace

at::Tensor CausalMask(int64_t queries, int64_t keys, const at::Device& device) {
  return at::ones({queries, keys}, at::TensorOptions(at::kBool).device(device))
      .tril(keys - queries);
}

at::Tensor DroppedAttention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                            const at::Tensor& mask) {
  const int64_t length = q.size(2);
  const double scale = 1 / std::sqrt(static_cast<double>(q.size(3)));
  const at::Tensor scores = HeadProducts(q, k.transpose(2, 3))
                                .mul(scale)
                                .masked_fill(CausalMask(length, length, q.device()).logical_not(),
                                             -std::numeric_limits<double>::infinity());
  return HeadProducts(SoftmaxFunction::apply(scores).to(q.scalar_type()) * mask, v);
}

}  // namespace tune::trainer
