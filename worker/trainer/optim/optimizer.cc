#include "worker/trainer/optim/optimizer.h"

#include <algorithm>
#include <cmath>

#include "worker/trainer/optim/host_kernels.h"

namespace tune::trainer {
namespace {

at::Tensor HostWeights(const at::Tensor& weights) {
  if (weights.is_cpu()) return weights;
  return at::empty(weights.sizes(), at::TensorOptions(weights.scalar_type()).pinned_memory(true));
}

}  // namespace

HostAdamW::HostAdamW(const Parameters& parameters, const RunSpec& spec, Ranks& ranks)
    : parameters_(parameters),
      layout_(parameters.layout()),
      ranks_(ranks),
      beta1_(spec.betas[0]),
      beta2_(spec.betas[1]),
      eps_(spec.eps),
      weight_decay_(spec.weight_decay),
      host_weights_(HostWeights(parameters.flat())) {
  const auto zeros = [&] { return at::zeros({layout_.shard_size()}, at::kFloat); };
  // Where the weights are fp32 on the host and all here, they are their own masters.
  const bool shared = ranks.size() == 1 && parameters.flat().is_cpu() &&
                      parameters.flat().scalar_type() == at::kFloat;
  shard_ = {
      .master = shared ? parameters.flat() : zeros(), .exp_avg = zeros(), .exp_avg_sq = zeros()};
}

void HostAdamW::SetMaster(size_t index, const at::Tensor& value) {
  const c10::NoGradGuard no_grad;
  parameters_.Set(index, value);
  const Range range = layout_.Parameter(index);
  const at::Tensor flat = value.flatten();
  for (const ShardPiece& piece : layout_.Pieces(range, ranks_.rank())) {
    shard_.master.narrow(0, piece.shard_begin, piece.flat.size())
        .copy_(flat.narrow(0, piece.flat.begin - range.begin, piece.flat.size()));
  }
}

void HostAdamW::Restore(const ShardPiece& piece, const HostShard& stored, int64_t begin) {
  const c10::NoGradGuard no_grad;
  const auto copy = [&](const at::Tensor& to, const at::Tensor& from) {
    const int64_t size = piece.flat.size();
    to.narrow(0, piece.shard_begin, size).copy_(from.narrow(0, begin, size));
  };
  copy(shard_.master, stored.master);
  copy(shard_.exp_avg, stored.exp_avg);
  copy(shard_.exp_avg_sq, stored.exp_avg_sq);
}

HostShard HostAdamW::Bucket(int64_t bucket) const {
  const Range range = layout_.InShard(bucket);
  return {Slice(shard_.master, range), Slice(shard_.exp_avg, range),
          Slice(shard_.exp_avg_sq, range)};
}

void HostAdamW::Publish(int64_t bucket) {
  const at::Tensor weights = Slice(host_weights_, layout_.Bucket(bucket));
  ranks_.AllGather(weights);
  if (!parameters_.device().is_cpu()) {
    Slice(parameters_.flat(), layout_.Bucket(bucket)).copy_(weights);
  }
}

void HostAdamW::PublishWeights() {
  const c10::NoGradGuard no_grad;
  for (int64_t bucket = 0; bucket < layout_.buckets(); ++bucket) {
    Slice(host_weights_, layout_.Part(bucket, ranks_.rank())).copy_(Bucket(bucket).master);
    Publish(bucket);
  }
}

void HostAdamW::Step(const HostGradients& gradients, double learning_rate, double gradient_scale,
                     int64_t update) {
  const c10::NoGradGuard no_grad;
  const auto t = static_cast<double>(update);
  const AdamWCoefficients coefficients{
      .gradient_scale = static_cast<float>(gradient_scale),
      .decay = static_cast<float>(1 - learning_rate * weight_decay_),
      .one_minus_beta1 = static_cast<float>(1 - beta1_),
      .beta2 = static_cast<float>(beta2_),
      .one_minus_beta2 = static_cast<float>(1 - beta2_),
      .step_size = static_cast<float>(learning_rate / (1 - std::pow(beta1_, t))),
      .root_correction = static_cast<float>(std::sqrt(1 - std::pow(beta2_, t))),
      .eps = static_cast<float>(eps_)};
  for (int64_t bucket = 0; bucket < layout_.buckets(); ++bucket) {
    const Range part = layout_.Part(bucket, ranks_.rank());
    const HostShard state = Bucket(bucket);
    AdamWUpdate(coefficients, Slice(gradients.shard(), layout_.InShard(bucket)), state.master,
                state.exp_avg, state.exp_avg_sq, Slice(host_weights_, part));
    Publish(bucket);
  }
}

at::Tensor HostAdamW::GatherMasters() const {
  if (ranks_.size() == 1) return shard_.master;
  const c10::NoGradGuard no_grad;
  at::Tensor all;
  if (ranks_.first()) all = at::empty({layout_.size()}, at::kFloat);
  for (int64_t bucket = 0; bucket < layout_.buckets(); ++bucket) {
    const Range whole = layout_.Bucket(bucket), own = layout_.InShard(bucket);
    const at::Tensor gathered =
        all.defined() ? Slice(all, whole) : at::empty({whole.size()}, at::kFloat);
    gathered.narrow(0, ranks_.rank() * own.size(), own.size()).copy_(Slice(shard_.master, own));
    ranks_.AllGather(gathered);
  }
  return all;
}

double ClipScale(double norm, double max_norm) {
  if (max_norm == 0) return 1;
  return std::min(1.0, max_norm / (norm + 1e-6));
}

}  // namespace tune::trainer
