#include "worker/trainer/net/ops/layer_norm.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/native_layer_norm.h>
#include <ATen/ops/native_layer_norm_backward.h>
#include <torch/csrc/autograd/custom_function.h>

namespace tune::trainer {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// [..., width] -> [width]
at::Tensor SumRows(const at::Tensor& x) { return x.reshape({-1, x.size(-1)}).sum(0); }

class LayerNormFunction : public torch::autograd::Function<LayerNormFunction> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            const at::Tensor& bias, double eps) {
    auto [y, mean, rstd] = at::native_layer_norm(x, {x.size(-1)}, weight, bias, eps);
    context->save_for_backward({x, weight, bias, mean, rstd});
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1], &mean = saved[3], &rstd = saved[4];
    const at::Tensor& dy = gradients[0];
    const bool on_cpu = x.is_cpu();
    auto [dx, dweight, dbias] = at::native_layer_norm_backward(
        dy, x, {x.size(-1)}, mean, rstd, weight, saved[2], {true, !on_cpu, !on_cpu});
    if (on_cpu) {
      const at::Tensor wide = dy.to(at::kFloat);
      const at::Tensor normed = (x.to(at::kFloat) - mean) * rstd;
      dweight = SumRows(wide * normed).to(weight.scalar_type());
      dbias = SumRows(wide).to(weight.scalar_type());
    }
    return {dx, dweight, dbias, at::Tensor()};
  }
};

}  // namespace

at::Tensor LayerNorm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                     double eps) {
  return LayerNormFunction::apply(x, weight, bias, eps);
}

}  // namespace tune::trainer
