// AdamW whose fp32 master weights and moments lie on the device as far as the placement says, the
// rest in host memory, each rank holding its shard of them. An update of what is on the host goes
// on while the next step begins: whoever needs a weight awaits it.
#pragma once

#include <functional>
#include <vector>

#include "run/spec.h"
#include "worker/trainer/core/aten.h"
#include "worker/trainer/optim/gradients.h"
#include "worker/trainer/optim/host_kernels.h"
#include "worker/trainer/optim/lanes.h"
#include "worker/trainer/optim/parameters.h"
#include "worker/trainer/optim/placement.h"
#include "worker/trainer/optim/ranks.h"

namespace tune::trainer {

// Optimizer state: contiguous fp32 tensors of one size.
struct StateShard {
  at::Tensor master;
  at::Tensor exp_avg;
  at::Tensor exp_avg_sq;
};

class AdamW {
 public:
  // Zero masters and moments. `parameters`, `ranks` and `lanes` must outlive this.
  AdamW(const Parameters& parameters, const RunSpec& spec, Ranks& ranks, Lanes& lanes,
        const Placement& placement);

  // Sets a parameter's weight, of any type, and what this rank holds of its master; a frozen one
  // has none.
  void SetMaster(size_t index, const at::Tensor& value);

  // Sets, from another shard, values [begin, begin + piece.flat.size()) of which go to
  // `piece` of this one. PublishWeights follows the last.
  void Restore(const ShardPiece& piece, const StateShard& stored, int64_t begin);
  // The weights of every rank follow the masters.
  void PublishWeights();

  // Update number `update`, counted from 1, after the gradients' Norm. They are scaled by
  // `gradient_scale` first; every trainable parameter decays, as with torch.optim.AdamW over
  // model.parameters(). The weights follow on every rank, in the order in which a forward pass
  // needs them: nothing of it may be read before it is awaited. What lies on the device is updated
  // by LibTorch's fused AdamW, the rest by AdamWUpdate, whose results differ by rounding.
  void Step(const Gradients& gradients, double learning_rate, double gradient_scale,
            int64_t update);

  // What the device computes from now on sees the new weight of this parameter, or of all.
  void Await(size_t index);
  void AwaitAll();

  // Each parameter's master, of its shape, on the first rank; none on the others, which must call
  // it too. A frozen parameter's is undefined. Views, wherever they lie, good until the next step;
  // a copy on the host where ranks or places share one.
  std::vector<at::Tensor> Masters() const;

  // This rank's shard of the state is the first of these, and then the second.
  const StateShard& on_device() const { return on_device_; }
  const StateShard& on_host() const { return on_host_; }
  // The two as one on the host: a copy where there is something of both.
  StateShard shard() const;
  // All that was begun on the host is done: it may look.
  void Finish() const;
  int64_t rank() const { return ranks_.rank(); }

 private:
  // Page-locked memory in which a bucket's new weights wait to be copied to the device.
  struct Slab {
    at::Tensor weights;
    EventPtr uploaded;
  };
  // Makes a bucket's new weights of its state, where that is.
  using Write = std::function<void(const StateShard& state, const at::Tensor& weights)>;

  StateShard StateAt(const Range& in_shard) const;
  void Publish(int64_t bucket, const Write& write);
  void PublishInPlace(int64_t bucket, const Write& write);
  void PublishBySlab(int64_t bucket, const Write& write);
  AdamWCoefficients CoefficientsOf(double learning_rate, double gradient_scale,
                                   int64_t update) const;
  Write FusedUpdate(const at::Tensor& gradient, double learning_rate, double gradient_scale,
                    int64_t update) const;
  void AwaitBuckets(int64_t end);
  at::Tensor GatherMasters() const;
  at::Tensor Master(size_t index) const;

  const Parameters& parameters_;
  const FlatLayout& layout_;
  Ranks& ranks_;
  Lanes& lanes_;
  const Placement placement_;
  const double beta1_, beta2_, eps_, weight_decay_;
  StateShard on_device_, on_host_;
  std::vector<Slab> slabs_;  // taken in turn; none where the host's weights are the device's
  size_t next_slab_ = 0;
  // Per bucket, when its weights are on the device; null where they were never on their way. What
  // computes has waited for the first `awaited_`.
  std::vector<EventPtr> published_;
  int64_t awaited_ = 0;
};

// The factor that brings a gradient of this norm down to `max_norm`, as
// torch.nn.utils.clip_grad_norm_; 1 where it is not above, or max_norm is 0.
double ClipScale(double norm, double max_norm);

}  // namespace tune::trainer
