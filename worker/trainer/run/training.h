// A model in training: weights, gradients, optimizer; one optimizer step at a time.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "run/schedule.h"
#include "worker/trainer/core/tensor_files.h"
#include "worker/trainer/net/network.h"
#include "worker/trainer/optim/gradients.h"
#include "worker/trainer/optim/lanes.h"
#include "worker/trainer/optim/optimizer.h"
#include "worker/trainer/optim/parameters.h"
#include "worker/trainer/optim/placement.h"
#include "worker/trainer/optim/ranks.h"
#include "worker/trainer/run/setup.h"

namespace tune::trainer {

// What becomes of a step before its update: a skipped one leaves weights, moments and the
// number of updates as they are. `warning` is "" where nothing is out of order.
struct StepVerdict {
  bool skip = false;
  std::string warning;
};

struct StepResult {
  double loss = 0;  // per target token, in nats
  double learning_rate = 0;
  double grad_norm = 0;  // before clipping
  int64_t target_tokens = 0;
  int64_t tokens = 0;
  int64_t examples = 0;
  // Each example's loss by slot of the effective batch, summed over its target tokens.
  std::vector<double> losses;
  StepVerdict verdict;
  std::map<std::string, double> phase_seconds;
};

struct EvalResult {
  double loss_sum = 0;  // over the target tokens, in nats
  int64_t target_tokens = 0;

  double loss() const { return loss_sum / static_cast<double>(target_tokens); }
};

// Where and in which order a step's copies and updates happen.
struct Offload {
  std::unique_ptr<Lanes> lanes;
  Placement placement;
};

struct TrainingOptions {
  Trainable trainable = {};
  int64_t bucket_values = FlatLayout::kBucketValues;
  // Decides once the weights are on the device; empty: as the spec and the device's memory say.
  std::function<Offload(const Parameters& parameters)> offload = {};
};

class Training {
 public:
  // `setup`, `ranks` and `clock` must outlive this. Weights are the base model's; frozen ones
  // stay so.
  Training(const Setup& setup, const at::Device& device, Ranks& ranks, Clock* clock,
           const TrainingOptions& options = {});

  // Sees a step's result but for its verdict; an error ends the step without an update. The
  // same on every rank.
  using Judge = std::function<absl::StatusOr<StepVerdict>(const StepResult&)>;

  // Does the optimizer step with this index, counted from 0: every rank its share, and every
  // rank gets the same result.
  absl::StatusOr<StepResult> Step(int64_t step_index, const Judge& judge);
  EvalResult Evaluate(const LoadedDataset& dataset);
  // Every weight by transformers' names, a trainable one as its fp32 master and a frozen one as
  // the base model has it, on the first rank; none on the others, which must call it too. Over
  // one rank masters are views, good until the next step.
  std::vector<NamedTensor> Masters() const;

  // With the weights of the last step, which may still have been on their way.
  const Parameters& parameters();
  const Network& network();
  const Placement& placement() const { return offload_.placement; }
  AdamW& optimizer() { return optimizer_; }
  // Updates made before a resumed run's first step: its steps but those skipped.
  void set_updates(int64_t updates) { updates_ = updates; }
  const AdamW& optimizer() const { return optimizer_; }

 private:
  struct Batch;
  // A rank's share of an effective batch. Ranks sum their gradients at every pass, so all
  // make as many as the one with the most micro-batches.
  struct Share {
    std::vector<std::vector<BatchItem>> micro_batches;
    size_t passes = 0;
  };

  Batch LoadBatch(int64_t step_index) const;
  Share ShareOf(const std::vector<const Example*>& examples) const;
  // Returns the losses by slot of the effective batch, 0 for another rank's.
  std::vector<double> Accumulate(int64_t step_index, const Batch& batch, StepResult* result);
  absl::Duration Await(size_t index);

  const Setup& setup_;
  Ranks& ranks_;
  Clock* const clock_;
  const Schedule schedule_;
  Parameters parameters_;
  std::unique_ptr<Network> network_;
  Offload offload_;
  AdamW optimizer_;
  Gradients gradients_;
  int64_t updates_ = 0;
};

}  // namespace tune::trainer
