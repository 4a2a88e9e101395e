#include "worker/trainer/optimizer.h"

#include <algorithm>
#include <cmath>

#include "worker/trainer/host_kernels.h"

namespace tune::trainer {
namespace {

at::Tensor HostWeight(const at::Tensor& weight) {
  if (weight.is_cpu()) return weight.detach();
  return at::empty(weight.sizes(), at::TensorOptions(weight.scalar_type()).pinned_memory(true));
}

// Where the weight is fp32 on the host it is its own master: one copy, not two.
at::Tensor MasterFor(const at::Tensor& host_weight, bool on_host) {
  if (on_host && host_weight.scalar_type() == at::kFloat) return host_weight;
  return at::empty(host_weight.sizes(), at::kFloat);
}

}  // namespace

HostAdamW::HostAdamW(const Parameters& parameters, const RunSpec& spec)
    : parameters_(parameters),
      beta1_(spec.betas[0]),
      beta2_(spec.betas[1]),
      eps_(spec.eps),
      weight_decay_(spec.weight_decay) {
  for (size_t i = 0; i < parameters.size(); ++i) {
    const at::Tensor& weight = parameters[i].weight;
    host_weights_.push_back(HostWeight(weight));
    shards_.push_back({.master = MasterFor(host_weights_.back(), weight.is_cpu()),
                       .exp_avg = at::zeros(weight.sizes(), at::kFloat),
                       .exp_avg_sq = at::zeros(weight.sizes(), at::kFloat)});
  }
}

void HostAdamW::SetMaster(size_t index, const at::Tensor& value) {
  const c10::NoGradGuard no_grad;
  shards_[index].master.copy_(value);
  parameters_.Set(index, shards_[index].master);
}

void HostAdamW::Restore(size_t index, const HostShard& stored) {
  const c10::NoGradGuard no_grad;
  SetMaster(index, stored.master);
  shards_[index].exp_avg.copy_(stored.exp_avg);
  shards_[index].exp_avg_sq.copy_(stored.exp_avg_sq);
}

void HostAdamW::Step(const HostGradients& gradients, double learning_rate, double gradient_scale,
                     int64_t step) {
  const c10::NoGradGuard no_grad;
  const auto t = static_cast<double>(step);
  const AdamWCoefficients coefficients{
      .gradient_scale = static_cast<float>(gradient_scale),
      .decay = static_cast<float>(1 - learning_rate * weight_decay_),
      .beta1 = static_cast<float>(beta1_),
      .beta2 = static_cast<float>(beta2_),
      .step_size = static_cast<float>(learning_rate / (1 - std::pow(beta1_, t))),
      .root_correction = static_cast<float>(std::sqrt(1 - std::pow(beta2_, t))),
      .eps = static_cast<float>(eps_)};
  for (size_t i = 0; i < shards_.size(); ++i) {
    const HostShard& shard = shards_[i];
    AdamWUpdate(coefficients, gradients[i], shard.master, shard.exp_avg, shard.exp_avg_sq,
                host_weights_[i]);
    if (!parameters_.device().is_cpu()) parameters_.Set(i, host_weights_[i]);
  }
}

double ClipScale(double norm, double max_norm) {
  if (max_norm == 0) return 1;
  return std::min(1.0, max_norm / (norm + 1e-6));
}

}  // namespace tune::trainer
