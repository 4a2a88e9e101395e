#include "worker/trainer/optim/optimizer.h"

#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/full.h>

#include <algorithm>
#include <cmath>
#include <optional>

namespace tune::trainer {
namespace {

// One is filled while another is copied and a third waits for its copy to begin.
constexpr int kSlabs = 3;

StateShard ZeroState(int64_t values, const at::Device& device) {
  const auto zeros = [&] {
    return at::zeros({values}, at::TensorOptions(at::kFloat).device(device));
  };
  return {.master = zeros(), .exp_avg = zeros(), .exp_avg_sq = zeros()};
}

StateShard SliceState(const StateShard& state, const Range& range) {
  return {Slice(state.master, range), Slice(state.exp_avg, range), Slice(state.exp_avg_sq, range)};
}

}  // namespace

AdamW::AdamW(const Parameters& parameters, const RunSpec& spec, Ranks& ranks, Lanes& lanes,
             const Placement& placement)
    : parameters_(parameters),
      layout_(parameters.layout()),
      ranks_(ranks),
      lanes_(lanes),
      placement_(placement),
      beta1_(spec.betas[0]),
      beta2_(spec.betas[1]),
      eps_(spec.eps),
      weight_decay_(spec.weight_decay),
      on_device_(ZeroState(ValuesOfBuckets(layout_, placement.state), parameters.device())),
      on_host_(ZeroState(layout_.shard_size() - on_device_.master.size(0), at::kCPU)),
      published_(layout_.buckets()) {
  const at::Tensor& weights = parameters.flat();
  // Where the weights are fp32 on the host and all here, they are their own masters.
  if (ranks.size() == 1 && !lanes.apart() && weights.scalar_type() == at::kFloat) {
    on_host_.master = weights;
  }
  const at::TensorOptions slab(weights.scalar_type());
  for (int i = 0; lanes.apart() && i < kSlabs; ++i) {
    slabs_.push_back(
        {at::empty({layout_.Bucket(0).size()}, slab.pinned_memory(parameters.device().is_cuda())),
         nullptr});
  }
}

// State lies bucket by bucket: no range that is asked for begins on the device and ends on the
// host.
StateShard AdamW::StateAt(const Range& in_shard) const {
  const int64_t split = on_device_.master.size(0);
  if (in_shard.end <= split) return SliceState(on_device_, in_shard);
  return SliceState(on_host_, {in_shard.begin - split, in_shard.end - split});
}

void AdamW::SetMaster(size_t index, const at::Tensor& value) {
  const c10::NoGradGuard no_grad;
  parameters_.Set(index, value);
  const Range range = layout_.Parameter(index);
  const at::Tensor flat = value.flatten();
  for (const ShardPiece& piece : layout_.Pieces(range, ranks_.rank())) {
    const at::Tensor from = flat.narrow(0, piece.flat.begin - range.begin, piece.flat.size());
    StateAt({piece.shard_begin, piece.shard_begin + piece.flat.size()}).master.copy_(from);
  }
}

void AdamW::Restore(const ShardPiece& piece, const StateShard& stored, int64_t begin) {
  const c10::NoGradGuard no_grad;
  const int64_t size = piece.flat.size();
  const StateShard to = StateAt({piece.shard_begin, piece.shard_begin + size});
  to.master.copy_(stored.master.narrow(0, begin, size));
  to.exp_avg.copy_(stored.exp_avg.narrow(0, begin, size));
  to.exp_avg_sq.copy_(stored.exp_avg_sq.narrow(0, begin, size));
}

void AdamW::Publish(int64_t bucket, const Write& write) {
  if (placement_.StateOnDevice(bucket)) {
    write(StateAt(layout_.InShard(bucket)), Slice(parameters_.flat(), layout_.Bucket(bucket)));
  } else if (lanes_.apart()) {
    PublishBySlab(bucket, write);
  } else {
    PublishInPlace(bucket, write);
  }
}

void AdamW::PublishInPlace(int64_t bucket, const Write& write) {
  write(StateAt(layout_.InShard(bucket)),
        Slice(parameters_.flat(), layout_.Part(bucket, ranks_.rank())));
  ranks_.AllGather(Slice(parameters_.flat(), layout_.Bucket(bucket)));
}

void AdamW::PublishBySlab(int64_t bucket, const Write& write) {
  Slab& slab = slabs_[next_slab_++ % slabs_.size()];
  const Range whole = layout_.Bucket(bucket), part = layout_.Part(bucket, ranks_.rank());
  const at::Tensor all = slab.weights.narrow(0, 0, whole.size());
  const at::Tensor own = all.narrow(0, part.begin - whole.begin, part.size());
  const at::Tensor weights = Slice(parameters_.flat(), whole);
  if (slab.uploaded) lanes_.Wait(Lane::kHost, slab.uploaded);
  lanes_.Enqueue(Lane::kHost, {all},
                 [this, write, own, all, state = StateAt(layout_.InShard(bucket))] {
                   write(state, own);
                   ranks_.AllGather(all);
                 });
  lanes_.Wait(Lane::kUpload, lanes_.Record(Lane::kHost));
  lanes_.Enqueue(Lane::kUpload, {weights}, [=] { weights.copy_(all, /*non_blocking=*/true); });
  slab.uploaded = published_[bucket] = lanes_.Record(Lane::kUpload);
}

void AdamW::PublishWeights() {
  const c10::NoGradGuard no_grad;
  awaited_ = 0;
  for (int64_t bucket = 0; bucket < layout_.buckets(); ++bucket) {
    Publish(bucket, [](const StateShard& state, const at::Tensor& weights) {
      weights.copy_(state.master);
    });
  }
  AwaitAll();
}

AdamWCoefficients AdamW::CoefficientsOf(double learning_rate, double gradient_scale,
                                        int64_t update) const {
  const auto t = static_cast<double>(update);
  return {.gradient_scale = static_cast<float>(gradient_scale),
          .decay = static_cast<float>(1 - learning_rate * weight_decay_),
          .one_minus_beta1 = static_cast<float>(1 - beta1_),
          .beta2 = static_cast<float>(beta2_),
          .one_minus_beta2 = static_cast<float>(1 - beta2_),
          .step_size = static_cast<float>(learning_rate / (1 - std::pow(beta1_, t))),
          .root_correction = static_cast<float>(std::sqrt(1 - std::pow(beta2_, t))),
          .eps = static_cast<float>(eps_)};
}

// LibTorch's kernel of the same formula, which divides gradients by its scale.
AdamW::Write AdamW::FusedUpdate(const at::Tensor& gradient, double learning_rate,
                                double gradient_scale, int64_t update) const {
  const at::TensorOptions scalar = gradient.options();
  const at::Tensor steps = at::full({}, static_cast<double>(update), scalar);
  std::optional<at::Tensor> scale;
  if (gradient_scale != 1) scale = at::full({}, 1 / gradient_scale, scalar);
  return [=, this](const StateShard& state, const at::Tensor& weights) {
    at::_fused_adamw_({state.master}, {gradient}, {state.exp_avg}, {state.exp_avg_sq}, {}, {steps},
                      learning_rate, beta1_, beta2_, weight_decay_, eps_, /*amsgrad=*/false,
                      /*maximize=*/false, scale);
    weights.copy_(state.master);
  };
}

void AdamW::Step(const Gradients& gradients, double learning_rate, double gradient_scale,
                 int64_t update) {
  const c10::NoGradGuard no_grad;
  awaited_ = 0;
  const AdamWCoefficients by = CoefficientsOf(learning_rate, gradient_scale, update);
  for (int64_t bucket = 0; bucket < layout_.buckets(); ++bucket) {
    const at::Tensor& gradient = gradients.Sum(bucket);
    if (placement_.StateOnDevice(bucket)) {
      Publish(bucket, FusedUpdate(gradient, learning_rate, gradient_scale, update));
      continue;
    }
    Publish(bucket, [by, gradient](const StateShard& state, const at::Tensor& weights) {
      AdamWUpdate(by, gradient, state.master, state.exp_avg, state.exp_avg_sq, weights);
    });
  }
  // What ranks tell each other has one order: that of the update comes before all else.
  if (ranks_.size() > 1) Finish();
}

// Weights are on their way in the order of the buckets.
void AdamW::Await(size_t index) {
  const auto pieces = layout_.BucketPieces(layout_.Parameter(index));
  if (!pieces.empty()) AwaitBuckets(pieces.back().bucket + 1);
}

void AdamW::AwaitAll() { AwaitBuckets(layout_.buckets()); }

void AdamW::AwaitBuckets(int64_t end) {
  for (; awaited_ < end; ++awaited_) {
    if (published_[awaited_]) lanes_.Wait(Lane::kCompute, published_[awaited_]);
  }
}

void AdamW::Finish() const { lanes_.Await(lanes_.Record(Lane::kHost)); }

StateShard AdamW::shard() const {
  Finish();
  if (on_device_.master.size(0) == 0) return on_host_;
  const auto join = [](const at::Tensor& device, const at::Tensor& host) {
    return at::cat({device.to(at::kCPU), host});
  };
  return {join(on_device_.master, on_host_.master), join(on_device_.exp_avg, on_host_.exp_avg),
          join(on_device_.exp_avg_sq, on_host_.exp_avg_sq)};
}

// Of the only rank. What its buckets have on both sides is put together on the host.
at::Tensor AdamW::Master(size_t index) const {
  const Range range = layout_.Parameter(index);
  const int64_t split = on_device_.master.size(0);
  const at::IntArrayRef shape = parameters_[index].weight.sizes();
  if (range.end <= split || range.begin >= split) return StateAt(range).master.view(shape);
  return at::cat({StateAt({range.begin, split}).master.to(at::kCPU),
                  StateAt({split, range.end}).master})
      .view(shape);
}

std::vector<at::Tensor> AdamW::Masters() const {
  Finish();
  const at::Tensor all = ranks_.size() > 1 ? GatherMasters() : at::Tensor();
  std::vector<at::Tensor> masters(ranks_.first() ? parameters_.size() : 0);
  for (size_t i = 0; i < masters.size(); ++i) {
    if (!parameters_[i].trainable) continue;
    masters[i] = all.defined()
                     ? Slice(all, layout_.Parameter(i)).view(parameters_[i].weight.sizes())
                     : Master(i);
  }
  return masters;
}

// All masters end to end, as the layout says, on the first rank; undefined on the others.
at::Tensor AdamW::GatherMasters() const {
  const c10::NoGradGuard no_grad;
  at::Tensor all;
  if (ranks_.first()) all = at::empty({layout_.size()}, at::kFloat);
  for (int64_t bucket = 0; bucket < layout_.buckets(); ++bucket) {
    const Range whole = layout_.Bucket(bucket), own = layout_.InShard(bucket);
    const at::Tensor gathered =
        all.defined() ? Slice(all, whole) : at::empty({whole.size()}, at::kFloat);
    gathered.narrow(0, ranks_.rank() * own.size(), own.size()).copy_(StateAt(own).master);
    ranks_.AllGather(gathered);
  }
  return all;
}

double ClipScale(double norm, double max_norm) {
  if (max_norm == 0) return 1;
  return std::min(1.0, max_norm / (norm + 1e-6));
}

}  // namespace tune::trainer
