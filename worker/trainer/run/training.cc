#include "worker/trainer/run/training.h"

#include <algorithm>
#include <numeric>

#include "base/status.h"
#include "worker/trainer/core/device.h"
#include "worker/trainer/net/make_network.h"
#include "worker/trainer/net/training_pass.h"
#include "worker/trainer/optim/load_weights.h"
#include "worker/trainer/run/plan.h"

namespace tune::trainer {
namespace {

// Adds the time since the last call to a phase.
class Stopwatch {
 public:
  Stopwatch(Clock* clock, std::map<std::string, double>* phases)
      : clock_(clock), phases_(phases), last_(clock->Monotonic()) {}

  void Lap(const char* phase) {
    const absl::Duration now = clock_->Monotonic();
    (*phases_)[phase] += absl::ToDoubleSeconds(now - last_);
    last_ = now;
  }

 private:
  Clock* clock_;
  std::map<std::string, double>* phases_;
  absl::Duration last_;
};

void MoveTime(const char* from, const char* to, absl::Duration time,
              std::map<std::string, double>* phases) {
  (*phases)[from] -= absl::ToDoubleSeconds(time);
  (*phases)[to] += absl::ToDoubleSeconds(time);
}

Offload OffloadFor(const Setup& setup, const Parameters& parameters) {
  return {LanesFor(parameters.device()), PlaceBySpec(setup, parameters)};
}

int64_t SumOf(const std::vector<int64_t>& values) {
  return std::accumulate(values.begin(), values.end(), int64_t{0});
}

}  // namespace

struct Training::Batch {
  std::vector<ExampleRef> refs;
  std::vector<const Example*> examples;
  int64_t target_tokens = 0;
  int64_t tokens = 0;
};

Training::Training(const Setup& setup, const at::Device& device, Ranks& ranks, Clock* clock,
                   const TrainingOptions& options)
    : setup_(setup),
      ranks_(ranks),
      clock_(clock),
      schedule_(MakeSchedule(setup.spec().lr_scheduler, setup.spec().learning_rate,
                             setup.spec().warmup_ratio, setup.order.total_steps())),
      parameters_(setup.base.folder.config, device, ComputeType(setup.spec().precision, device),
                  ranks.size(), options.bucket_values, options.trainable),
      network_(MakeNetwork(setup.base.folder.config, parameters_)),
      offload_(options.offload ? options.offload(parameters_) : OffloadFor(setup, parameters_)),
      optimizer_(parameters_, setup.spec(), ranks, *offload_.lanes, offload_.placement),
      gradients_(parameters_, ranks, *offload_.lanes, offload_.placement) {
  LoadWeights(setup.base.folder, parameters_, &optimizer_);
}

Training::Batch Training::LoadBatch(int64_t step_index) const {
  Batch batch;
  batch.refs = setup_.order.Batch(step_index);
  for (const ExampleRef& ref : batch.refs) {
    const Example& example = setup_.ExampleAt(ref);
    batch.examples.push_back(&example);
    batch.target_tokens += example.target_tokens();
    batch.tokens += static_cast<int64_t>(example.ids.size());
  }
  return batch;
}

Training::Share Training::ShareOf(const std::vector<const Example*>& examples) const {
  std::vector<int64_t> lengths, tokens;
  for (const Example* example : examples) {
    lengths.push_back(static_cast<int64_t>(example->ids.size()));
  }
  // Not so large that a rank would have none.
  const int64_t even = (SumOf(lengths) + ranks_.size() - 1) / ranks_.size();
  const auto packed = PackMicroBatches(lengths, std::min(setup_.spec().micro_batch_tokens, even),
                                       setup_.spec().packing);
  for (const auto& slots : packed) {
    tokens.push_back(0);
    for (const int64_t slot : slots) tokens.back() += lengths[slot];
  }
  Share share;
  const auto dealt = DealMicroBatches(tokens, ranks_.size());
  for (const auto& of_rank : dealt) share.passes = std::max(share.passes, of_rank.size());
  for (const int64_t i : dealt[ranks_.rank()]) {
    share.micro_batches.emplace_back();
    for (const int64_t slot : packed[i]) {
      share.micro_batches.back().push_back({examples[slot], slot});
    }
  }
  return share;
}

std::vector<double> Training::Accumulate(int64_t step_index, const Batch& batch,
                                         StepResult* result) {
  std::vector<double> losses(batch.examples.size());
  Stopwatch watch(clock_, &result->phase_seconds);
  absl::Duration waited;
  PassOptions options{.scale = 1 / static_cast<double>(batch.target_tokens),
                      .recompute = setup_.spec().recompute,
                      .on_forward_done = [&] { watch.Lap("forward"); }};
  if (offload_.lanes->apart()) options.await = [&](size_t index) { waited += Await(index); };
  gradients_.Clear();
  const Share share = ShareOf(batch.examples);
  for (size_t pass = 0; pass < share.passes; ++pass) {
    if (pass + 1 == share.passes) gradients_.BeginLastPass();
    if (pass >= share.micro_batches.size()) {
      gradients_.Done(0);
      continue;
    }
    const auto& items = share.micro_batches[pass];
    const MicroBatch micro_batch = MakeMicroBatch(items, parameters_.device());
    const Dropout dropout(static_cast<uint64_t>(setup_.spec().seed), step_index, micro_batch);
    watch.Lap("data");
    const auto sums = ForwardBackward(*network_, micro_batch, dropout, options, &gradients_);
    for (size_t i = 0; i < sums.size(); ++i) losses[items[i].slot] = sums[i];
    watch.Lap("backward");
  }
  watch.Lap("backward");
  if (options.await) MoveTime("forward", "update_wait", waited, &result->phase_seconds);
  return losses;
}

// How long the caller stood still.
absl::Duration Training::Await(size_t index) {
  const absl::Duration begin = clock_->Monotonic();
  optimizer_.Await(index);
  return clock_->Monotonic() - begin;
}

absl::StatusOr<StepResult> Training::Step(int64_t step_index, const Judge& judge) {
  StepResult result;
  Stopwatch watch(clock_, &result.phase_seconds);
  const Batch batch = LoadBatch(step_index);
  watch.Lap("data");
  result.losses = Accumulate(step_index, batch, &result);
  // Accumulate has timed itself.
  Stopwatch update_watch(clock_, &result.phase_seconds);
  ranks_.Sum(result.losses);
  const double sum = std::accumulate(result.losses.begin(), result.losses.end(), 0.0);
  result.loss = sum / static_cast<double>(batch.target_tokens);
  result.learning_rate = schedule_.At(step_index);
  result.grad_norm = gradients_.Norm();
  result.target_tokens = batch.target_tokens;
  result.tokens = batch.tokens;
  result.examples = static_cast<int64_t>(batch.examples.size());
  ASSIGN_OR_RETURN(result.verdict, judge(result));
  if (!result.verdict.skip) {
    optimizer_.Step(gradients_, result.learning_rate,
                    ClipScale(result.grad_norm, setup_.spec().max_grad_norm), ++updates_);
  }
  update_watch.Lap("optimizer");
  return result;
}

EvalResult Training::Evaluate(const LoadedDataset& dataset) {
  optimizer_.AwaitAll();
  std::vector<const Example*> examples;
  for (const Example& example : dataset.examples) examples.push_back(&example);
  std::vector<double> losses(examples.size());
  for (const auto& items : ShareOf(examples).micro_batches) {
    const auto sums = Forward(*network_, MakeMicroBatch(items, parameters_.device()));
    for (size_t i = 0; i < sums.size(); ++i) losses[items[i].slot] = sums[i];
  }
  ranks_.Sum(losses);
  return {std::accumulate(losses.begin(), losses.end(), 0.0), dataset.target_tokens};
}

std::vector<NamedTensor> Training::Masters() const {
  const std::vector<at::Tensor> masters = optimizer_.Masters();
  std::vector<NamedTensor> weights;
  for (size_t i = 0; i < masters.size(); ++i) {
    const Parameter& parameter = parameters_[i];
    weights.push_back({parameter.name, parameter.trainable
                                           ? masters[i]
                                           : FolderTensor(setup_.base.folder, parameter.name)});
  }
  return weights;
}

const Parameters& Training::parameters() {
  optimizer_.AwaitAll();
  return parameters_;
}

const Network& Training::network() {
  optimizer_.AwaitAll();
  return *network_;
}

}  // namespace tune::trainer
