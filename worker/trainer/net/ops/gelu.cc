#include "worker/trainer/net/ops/gelu.h"

#include <ATen/ops/gelu_backward.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

namespace tune::trainer {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr char kForm[] = "tanh";
// A multiple of every vector, and the most that ATen gives to one thread whatever their number
// (GELU_MIN_ELEMENTS_FOR_MULTI_THREADING in ATen/native/cpu/Activation.cpp).
constexpr int64_t kPart = 16384;

// Calls body(begin, length) for each part of [0, n), in parallel.
template <typename Body>
void ForEachPart(int64_t n, const Body& body) {
  at::parallel_for(0, (n + kPart - 1) / kPart, 1, [&](int64_t first, int64_t last) {
    const c10::NoGradGuard no_grad;
    for (int64_t part = first; part < last; ++part) {
      body(part * kPart, std::min(kPart, n - part * kPart));
    }
  });
}

class GeluFunction : public torch::autograd::Function<GeluFunction> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x) {
    context->save_for_backward({x});
    const at::Tensor from = x.detach().contiguous().flatten(), y = at::empty_like(from);
    ForEachPart(from.numel(), [&](int64_t begin, int64_t length) {
      at::Tensor part = y.narrow(0, begin, length);
      at::gelu_out(part, from.narrow(0, begin, length), kForm);
    });
    return y.view(x.sizes());
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const at::Tensor x = context->get_saved_variables()[0].detach().contiguous().flatten();
    const at::Tensor dy = gradients[0].contiguous().flatten(), dx = at::empty_like(x);
    ForEachPart(x.numel(), [&](int64_t begin, int64_t length) {
      at::Tensor part = dx.narrow(0, begin, length);
      at::gelu_backward_out(part, dy.narrow(0, begin, length), x.narrow(0, begin, length), kForm);
    });
    return {dx.view(gradients[0].sizes())};
  }
};

}  // namespace

at::Tensor Gelu(const at::Tensor& x) {
  return x.is_cpu() ? GeluFunction::apply(x) : at::gelu(x, kForm);
}

}  // namespace tune::trainer
