// AdamW whose fp32 master weights and moments live in host memory; the device keeps
// weights in the compute type only.
#pragma once

#include <vector>

#include "recipe/run_spec.h"
#include "worker/trainer/aten.h"
#include "worker/trainer/gradients.h"
#include "worker/trainer/parameters.h"

namespace tune::trainer {

// A parameter's state: contiguous fp32 host tensors of its shape.
struct HostShard {
  at::Tensor master;
  at::Tensor exp_avg;
  at::Tensor exp_avg_sq;
};

class HostAdamW {
 public:
  // Zero moments and uninitialised masters. `parameters` must outlive this.
  HostAdamW(const Parameters& parameters, const RunSpec& spec);

  // Sets a parameter's master, and its weight with it.
  void SetMaster(size_t index, const at::Tensor& value);

  // Sets all three, from a checkpoint.
  void Restore(size_t index, const HostShard& stored);

  // Update number `step`, from 1. Gradients are scaled by `gradient_scale` first; every
  // parameter decays, as with torch.optim.AdamW over model.parameters(). The weights on
  // the device follow.
  void Step(const HostGradients& gradients, double learning_rate, double gradient_scale,
            int64_t step);

  const HostShard& shard(size_t index) const { return shards_[index]; }
  size_t size() const { return shards_.size(); }

 private:
  const Parameters& parameters_;
  const double beta1_, beta2_, eps_, weight_decay_;
  std::vector<HostShard> shards_;
  // Where updates write the weights: the weight itself on a CPU; on a GPU a page-locked
  // copy, from which it is filled.
  std::vector<at::Tensor> host_weights_;
};

// The factor that brings a gradient of this norm down to `max_norm`, as
// torch.nn.utils.clip_grad_norm_; 1 where it is not above, or max_norm is 0.
double ClipScale(double norm, double max_norm);

}  // namespace tune::trainer
