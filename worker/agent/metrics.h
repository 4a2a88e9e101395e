// What /metrics of the worker shows: the runs it trains, its checkpoints, itself, its GPUs.
#pragma once

#include <prometheus/collectable.h>
#include <prometheus/histogram.h>
#include <prometheus/metric_family.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/clock.h"
#include "run/pace.h"
#include "run/source_progress.h"
#include "tune/v1/workers.pb.h"
#include "worker/agent/gpus.h"

namespace tune::worker {

// The series of one run, by job. Absent values are not shown.
struct RunSeries {
  std::vector<std::pair<std::string, std::string>> info;  // labels of tune_train_info
  bool running = false;
  std::optional<double> loss, eval_loss, learning_rate, grad_norm;
  std::optional<double> steps, planned_steps, epoch_ratio;
  std::optional<double> last_step_seconds, eta_seconds;  // Unix time
  std::optional<double> checkpoint_size_bytes, checkpoint_success_seconds, checkpoint_interval;
  double steps_total = 0, target_tokens_total = 0, context_tokens_total = 0, samples_total = 0;
  double model_flops_total = 0, busy_seconds_total = 0;

  std::vector<SourceProgress> sources;  // of a run with several datasets, else none

  double flops_per_token = 0;
  Pace pace;
  int64_t checkpoint_every = 0;
  absl::Duration started;               // monotonic
  std::optional<absl::Duration> ended;  // then shown once more, or for a minute
};

// Thread-safe. `job` is a name, "jobs/J"; the series bear the id, J.
class Metrics : public prometheus::Collectable {
 public:
  // `gpus` may be null.
  Metrics(Clock& clock, GpuProbe* gpus);

  void RunStarted(const v1::Lease& lease);
  void Observe(const std::string& job, const v1::TrainingEvent& event);
  void RunEnded(const std::string& job);
  // `took`: registering it; the event has how long writing it took.
  void CheckpointCommitted(const std::string& job,
                           const v1::TrainingEvent::CheckpointSaved& checkpoint,
                           absl::Duration took);
  void CheckpointFailed();
  void HeartbeatFailed();
  // What the last self-check found.
  void SetHealthy(bool healthy);
  void LogMessage(const std::string& level);

  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  void ObserveStep(RunSeries& run, const v1::TrainingEvent::Step& step)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Null for a run that is not (or no longer) shown.
  RunSeries* Find(const std::string& job) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void UpdateBusy() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Clock& clock_;
  GpuProbe* const gpus_;

  mutable absl::Mutex mutex_;
  mutable std::map<std::string, RunSeries> runs_ ABSL_GUARDED_BY(mutex_);  // by job id
  std::map<std::string, double> phase_seconds_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, double> log_messages_ ABSL_GUARDED_BY(mutex_);  // by level
  double checkpoint_failures_ ABSL_GUARDED_BY(mutex_) = 0;
  bool healthy_ ABSL_GUARDED_BY(mutex_) = true;
  double heartbeat_failures_ ABSL_GUARDED_BY(mutex_) = 0;
  prometheus::Histogram step_seconds_ ABSL_GUARDED_BY(mutex_);
  prometheus::Histogram checkpoint_seconds_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tune::worker
