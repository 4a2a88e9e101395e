// AdamW whose fp32 master weights and moments live in host memory, each rank holding its
// shard of them; the device keeps weights in the compute type only.
#pragma once

#include <vector>

#include "run/spec.h"
#include "worker/trainer/core/aten.h"
#include "worker/trainer/optim/gradients.h"
#include "worker/trainer/optim/parameters.h"
#include "worker/trainer/optim/ranks.h"

namespace tune::trainer {

// A rank's optimizer state: contiguous fp32 host tensors [layout.shard_size()].
struct HostShard {
  at::Tensor master;
  at::Tensor exp_avg;
  at::Tensor exp_avg_sq;
};

class HostAdamW {
 public:
  // Zero masters and moments. `parameters` and `ranks` must outlive this.
  HostAdamW(const Parameters& parameters, const RunSpec& spec, Ranks& ranks);

  // Sets a parameter's weight, of any type, and what this rank holds of its master; a frozen one
  // has none.
  void SetMaster(size_t index, const at::Tensor& value);

  // Sets, from another shard, values [begin, begin + piece.flat.size()) of which go to
  // `piece` of this one. PublishWeights follows the last.
  void Restore(const ShardPiece& piece, const HostShard& stored, int64_t begin);
  // The weights of every rank follow the masters.
  void PublishWeights();

  // Update number `update`, counted from 1, after the step's last pass. Gradients are scaled by
  // `gradient_scale` first; every trainable parameter decays, as with torch.optim.AdamW over
  // model.parameters(). The weights follow on every rank.
  void Step(const HostGradients& gradients, double learning_rate, double gradient_scale,
            int64_t update);

  // All masters end to end, as the parameters' layout says, on the first rank; undefined on
  // the others, which must call it too. A copy where they are spread over ranks.
  at::Tensor GatherMasters() const;

  const HostShard& shard() const { return shard_; }
  int64_t rank() const { return ranks_.rank(); }

 private:
  HostShard Bucket(int64_t bucket) const;
  void Publish(int64_t bucket);

  const Parameters& parameters_;
  const FlatLayout& layout_;
  Ranks& ranks_;
  const double beta1_, beta2_, eps_, weight_decay_;
  // All weights as updates write them: the weights themselves on a CPU; on a GPU a
  // page-locked copy, from which they are filled.
  const at::Tensor host_weights_;
  HostShard shard_;
};

// The factor that brings a gradient of this norm down to `max_norm`, as
// torch.nn.utils.clip_grad_norm_; 1 where it is not above, or max_norm is 0.
double ClipScale(double norm, double max_norm);

}  // namespace tune::trainer
