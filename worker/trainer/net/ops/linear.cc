#include "worker/trainer/net/ops/linear.h"

#include <ATen/ops/constant_pad_nd.h>

namespace tune::trainer {
namespace {

// Fewer are done before their weight would be in fp32.
constexpr int64_t kWorthWidening = 16;

}  // namespace

bool MultipliesBf16() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512bf16") != 0;  // whatever has AMX has it too
#else
  return true;
#endif
}

at::Tensor ForProducts(const at::Tensor& x) {
  const bool slow = x.is_cpu() && x.scalar_type() == at::kBFloat16 && !MultipliesBf16();
  return slow ? x.to(at::kFloat) : x;
}

at::Tensor FillFewRows(const at::Tensor& x) {
  constexpr int64_t kEnough = 12, kAlone = 4;
  const int64_t rows = x.size(0);
  if (!x.is_cpu() || rows <= kAlone || rows >= kEnough) return x;
  return at::constant_pad_nd(x, {0, 0, 0, kEnough - rows}, 0);
}

at::Tensor Linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  if (x.size(0) < kWorthWidening) {
    return at::linear(FillFewRows(x), weight, bias).narrow(0, 0, x.size(0));
  }
  const at::Tensor wide_bias = bias.defined() ? ForProducts(bias) : bias;
  return at::linear(ForProducts(x), ForProducts(weight), wide_bias).to(x.scalar_type());
}

at::Tensor Product(const at::Tensor& a, const at::Tensor& b) {
  if (a.size(0) < kWorthWidening) return at::mm(FillFewRows(a), b).narrow(0, 0, a.size(0));
  return at::mm(ForProducts(a), ForProducts(b)).to(a.scalar_type());
}

}  // namespace tune::trainer
