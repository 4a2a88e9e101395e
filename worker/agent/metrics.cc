#include "worker/agent/metrics.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "base/version.h"
#include "monitor/metric_families.h"
#include "proto/wire/convert.h"
#include "worker/agent/lease_spec.h"

namespace tune::worker {
namespace {

using prometheus::MetricFamily;
using prometheus::MetricType;

constexpr absl::Duration kShownAfterEnd = absl::Minutes(1);

const prometheus::Histogram::BucketBoundaries kStepBuckets = {0.05, 0.1, 0.25, 0.5, 1,  2.5,
                                                              5,    10,  20,   30,  60, 120};
const prometheus::Histogram::BucketBoundaries kCheckpointBuckets = {1,  2,   5,   10,  20,   30,
                                                                    60, 120, 300, 600, 1200, 1800};

struct RunGauge {
  const char* name;
  const char* help;
  std::optional<double> RunSeries::*value;
};

constexpr RunGauge kRunGauges[] = {
    {"tune_train_loss", "Mean training loss of the last optimizer step", &RunSeries::loss},
    {"tune_eval_loss", "Loss of the last evaluation", &RunSeries::eval_loss},
    {"tune_train_learning_rate", "Learning rate of the last optimizer step",
     &RunSeries::learning_rate},
    {"tune_train_grad_norm", "Global gradient norm before clipping", &RunSeries::grad_norm},
    {"tune_train_steps", "Optimizer steps completed", &RunSeries::steps},
    {"tune_train_planned_steps", "Optimizer steps planned", &RunSeries::planned_steps},
    {"tune_train_epoch_ratio", "Epochs completed as a fraction", &RunSeries::epoch_ratio},
    {"tune_train_last_step_timestamp_seconds", "Unix time of the last finished optimizer step",
     &RunSeries::last_step_seconds},
    {"tune_train_eta_timestamp_seconds", "Estimated Unix time of completion",
     &RunSeries::eta_seconds},
    {"tune_checkpoint_size_bytes", "Size of the last committed checkpoint",
     &RunSeries::checkpoint_size_bytes},
    {"tune_checkpoint_last_success_timestamp_seconds", "Unix time of the last committed checkpoint",
     &RunSeries::checkpoint_success_seconds},
    {"tune_checkpoint_interval_seconds", "Expected time between checkpoints",
     &RunSeries::checkpoint_interval},
};

struct RunCounter {
  const char* name;
  const char* help;
  double RunSeries::*value;
};

constexpr RunCounter kRunCounters[] = {
    {"tune_train_steps_total", "Optimizer steps executed by this process", &RunSeries::steps_total},
    {"tune_train_samples_total", "Samples processed", &RunSeries::samples_total},
    {"tune_train_model_flops_total", "Model floating point operations executed",
     &RunSeries::model_flops_total},
    {"tune_worker_busy_seconds_total", "Time spent running jobs", &RunSeries::busy_seconds_total},
};

struct GpuGauge {
  const char* name;
  const char* help;
  MetricType type;
  std::optional<double> (*value)(const GpuReading&);
};

const GpuGauge kGpuGauges[] = {
    {"tune_gpu_memory_used_bytes", "Device memory in use", MetricType::Gauge,
     [](const GpuReading& gpu) -> std::optional<double> { return gpu.memory_used_bytes; }},
    {"tune_gpu_memory_size_bytes", "Device memory size", MetricType::Gauge,
     [](const GpuReading& gpu) -> std::optional<double> { return gpu.memory_bytes; }},
    {"tune_gpu_utilization_ratio", "Fraction of the last sample period with a kernel running",
     MetricType::Gauge, [](const GpuReading& gpu) { return gpu.utilization; }},
    {"tune_gpu_temperature_celsius", "GPU temperature", MetricType::Gauge,
     [](const GpuReading& gpu) { return gpu.temperature_celsius; }},
    {"tune_gpu_energy_joules_total", "Energy used since driver load", MetricType::Counter,
     [](const GpuReading& gpu) { return gpu.energy_joules; }},
};

using Runs = std::map<std::string, RunSeries>;

void AddRunInfo(const Runs& runs, MetricFamilies& out) {
  out.Begin("tune_train_running", "1 while the run is in its training loop", MetricType::Gauge);
  for (const auto& [job, run] : runs) out.Add({{"job_id", job}}, run.running ? 1 : 0);
  out.Begin("tune_train_info", "Run metadata; the value is always 1", MetricType::Gauge);
  for (const auto& [job, run] : runs) {
    MetricFamilies::Labels labels = {{"job_id", job}};
    labels.insert(labels.end(), run.info.begin(), run.info.end());
    out.Add(labels, 1);
  }
  out.Begin("tune_train_tokens_total", "Tokens processed; kind is target, context or padding",
            MetricType::Counter);
  for (const auto& [job, run] : runs) {
    out.Add({{"job_id", job}, {"kind", "target"}}, run.target_tokens_total);
    out.Add({{"job_id", job}, {"kind", "context"}}, run.context_tokens_total);
  }
}

struct SourceGauge {
  const char* name;
  const char* help;
  MetricType type;
  double (*value)(const SourceProgress&);  // NaN is not shown
};

constexpr double Counted(int64_t count) { return static_cast<double>(count); }

const SourceGauge kSourceGauges[] = {
    {"tune_train_source_loss",
     "Mean training loss by dataset over about its last 20 steps; of runs with several datasets",
     MetricType::Gauge, [](const SourceProgress& s) { return s.loss; }},
    {"tune_eval_source_loss", "Loss of the last evaluation by dataset", MetricType::Gauge,
     [](const SourceProgress& s) { return s.eval_loss; }},
    {"tune_train_source_samples_total", "Samples the run has learned from by dataset",
     MetricType::Counter, [](const SourceProgress& s) { return Counted(s.examples); }},
    {"tune_train_source_tokens_total", "Tokens of those samples by dataset", MetricType::Counter,
     [](const SourceProgress& s) { return Counted(s.tokens); }},
    {"tune_train_source_target_tokens_total", "Those of them that count in the loss by dataset",
     MetricType::Counter, [](const SourceProgress& s) { return Counted(s.target_tokens); }},
};

std::string IdOf(absl::string_view name) { return std::string(name.substr(name.find('/') + 1)); }

void AddSources(const Runs& runs, MetricFamilies& out) {
  for (const SourceGauge& gauge : kSourceGauges) {
    out.Begin(gauge.name, gauge.help, gauge.type);
    for (const auto& [job, run] : runs) {
      for (const SourceProgress& source : run.sources) {
        const double value = gauge.value(source);
        if (std::isnan(value)) continue;
        out.Add({{"job_id", job}, {"source", IdOf(source.source)}}, value);
      }
    }
  }
}

void AddRuns(const Runs& runs, MetricFamilies& out) {
  AddRunInfo(runs, out);
  for (const RunGauge& gauge : kRunGauges) {
    out.Begin(gauge.name, gauge.help, MetricType::Gauge);
    for (const auto& [job, run] : runs) {
      if (const auto& value = run.*gauge.value) out.Add({{"job_id", job}}, *value);
    }
  }
  for (const RunCounter& counter : kRunCounters) {
    out.Begin(counter.name, counter.help, MetricType::Counter);
    for (const auto& [job, run] : runs) out.Add({{"job_id", job}}, run.*counter.value);
  }
}

void AddLabelled(const char* name, const char* help, const char* label,
                 const std::map<std::string, double>& values, MetricFamilies& out) {
  out.Begin(name, help, MetricType::Counter);
  for (const auto& [text, value] : values) out.Add({{label, text}}, value);
}

void AddGpus(const std::vector<GpuReading>& gpus, MetricFamilies& out) {
  for (const GpuGauge& gauge : kGpuGauges) {
    out.Begin(gauge.name, gauge.help, gauge.type);
    for (size_t i = 0; i < gpus.size(); ++i) {
      if (const auto value = gauge.value(gpus[i])) out.Add({{"gpu", absl::StrCat(i)}}, *value);
    }
  }
  out.Begin("tune_gpu_info", "GPU identity; the value is always 1", MetricType::Gauge);
  for (size_t i = 0; i < gpus.size(); ++i) {
    out.Add({{"gpu", absl::StrCat(i)}, {"uuid", gpus[i].uuid}, {"product", gpus[i].product}}, 1);
  }
}

double UnixSeconds(absl::Time time) { return absl::ToDoubleSeconds(time - absl::UnixEpoch()); }

}  // namespace

Metrics::Metrics(Clock& clock, GpuProbe* gpus)
    : clock_(clock),
      gpus_(gpus),
      step_seconds_(kStepBuckets),
      checkpoint_seconds_(kCheckpointBuckets) {}

void Metrics::RunStarted(const v1::Lease& lease) {
  // One that does not read ends the attempt at once.
  const LeaseSpec spec = ReadLeaseSpec(lease).value_or(LeaseSpec());
  absl::MutexLock lock(&mutex_);
  const absl::Duration now = clock_.Monotonic();
  std::erase_if(runs_, [&](const auto& entry) {
    return entry.second.ended && now - *entry.second.ended > kShownAfterEnd;
  });
  const std::string id = IdOf(lease.key().job());
  RunSeries& run = runs_[id] = RunSeries();
  run.info = {{"name", id},
              {"model", spec.model},
              {"method", "full"},
              {"attempt", absl::StrCat(lease.attempt())}};
  run.checkpoint_every = spec.checkpoint_every;
  run.started = now;
}

RunSeries* Metrics::Find(const std::string& job) {
  const auto found = runs_.find(IdOf(job));
  return found == runs_.end() ? nullptr : &found->second;
}

void Metrics::Observe(const std::string& job, const v1::TrainingEvent& event) {
  absl::MutexLock lock(&mutex_);
  RunSeries* const found = Find(job);
  if (found == nullptr) return;
  RunSeries& run = *found;
  if (event.has_started()) {
    run.running = true;
    run.flops_per_token = event.started().flops_per_token();
    run.planned_steps = event.started().total_steps();
    run.pace = Pace();
  } else if (event.has_step()) {
    ObserveStep(run, event.step());
    if (event.has_time()) run.last_step_seconds = UnixSeconds(FromTimestamp(event.time()));
  } else if (event.has_evaluation()) {
    run.eval_loss = event.evaluation().loss();
    AddEvaluation(SourcesOf(event.evaluation()), &run.sources);
  } else if (event.has_finished() || event.has_failed()) {
    run.running = false;
  }
}

void Metrics::ObserveStep(RunSeries& run, const v1::TrainingEvent::Step& step) {
  run.loss = step.loss();
  run.learning_rate = step.learning_rate();
  run.grad_norm = step.grad_norm();
  run.steps = step.step();
  run.planned_steps = step.total_steps();
  run.epoch_ratio = step.epoch();
  AddStep(SourcesOf(step), &run.sources);
  run.steps_total += 1;
  run.target_tokens_total += step.target_tokens();
  run.context_tokens_total += step.tokens() - step.target_tokens();
  run.samples_total += step.examples();
  run.model_flops_total += run.flops_per_token * step.tokens();
  run.pace.Add(step.seconds(), step.tokens());
  if (run.pace.known()) {
    const double left = run.pace.SecondsLeft(step.step(), step.total_steps());
    run.eta_seconds = UnixSeconds(clock_.Now()) + left;
    if (run.checkpoint_every > 0) {
      run.checkpoint_interval = run.pace.seconds_per_step * run.checkpoint_every;
    }
  }
  step_seconds_.Observe(step.seconds());
  for (const auto& [phase, seconds] : step.phase_seconds()) phase_seconds_[phase] += seconds;
}

void Metrics::RunEnded(const std::string& job) {
  absl::MutexLock lock(&mutex_);
  RunSeries* const run = Find(job);
  if (run == nullptr) return;
  run->running = false;
  run->ended = clock_.Monotonic();
}

void Metrics::CheckpointCommitted(const std::string& job,
                                  const v1::TrainingEvent::CheckpointSaved& checkpoint,
                                  absl::Duration took) {
  absl::MutexLock lock(&mutex_);
  checkpoint_seconds_.Observe(checkpoint.seconds() + absl::ToDoubleSeconds(took));
  RunSeries* const run = Find(job);
  if (run == nullptr) return;
  run->checkpoint_size_bytes = checkpoint.size_bytes();
  run->checkpoint_success_seconds = UnixSeconds(clock_.Now());
}

void Metrics::CheckpointFailed() {
  absl::MutexLock lock(&mutex_);
  checkpoint_failures_ += 1;
}

void Metrics::HeartbeatFailed() {
  absl::MutexLock lock(&mutex_);
  heartbeat_failures_ += 1;
}

void Metrics::SetHealthy(bool healthy) {
  absl::MutexLock lock(&mutex_);
  healthy_ = healthy;
}

void Metrics::LogMessage(const std::string& level) {
  absl::MutexLock lock(&mutex_);
  log_messages_[level] += 1;
}

std::vector<MetricFamily> Metrics::Collect() const {
  MetricFamilies out;
  const auto gpus = gpus_ != nullptr ? gpus_->Read() : std::vector<GpuReading>();
  absl::MutexLock lock(&mutex_);
  out.Begin("tune_build_info", "Build information; the value is always 1", MetricType::Gauge);
  out.Add({{"version", Version()}}, 1);
  UpdateBusy();
  AddRuns(runs_, out);
  AddSources(runs_, out);
  // Those that ended have now been shown once more.
  std::erase_if(runs_, [](const auto& entry) { return entry.second.ended.has_value(); });
  out.Begin("tune_train_step_duration_seconds", "Wall time of one optimizer step",
            MetricType::Histogram);
  out.AddMetric({}, step_seconds_.Collect());
  AddLabelled("tune_train_phase_seconds_total",
              "Time by phase: data, forward, backward, optimizer, update_wait", "phase",
              phase_seconds_, out);
  out.Begin("tune_checkpoint_duration_seconds", "Time to write and commit one checkpoint",
            MetricType::Histogram);
  out.AddMetric({}, checkpoint_seconds_.Collect());
  out.Single("tune_checkpoint_failures_total", "Checkpoint writes that failed", MetricType::Counter,
             checkpoint_failures_);
  out.Single("tune_worker_healthy", "Whether the last self-check found the worker fit for jobs",
             MetricType::Gauge, healthy_ ? 1 : 0);
  out.Single("tune_worker_heartbeat_failures_total",
             "Heartbeats that the scheduler did not acknowledge", MetricType::Counter,
             heartbeat_failures_);
  AddGpus(gpus, out);
  AddLabelled("tune_log_messages_total", "Log messages written by level", "level", log_messages_,
              out);
  return std::move(out).Take();
}

void Metrics::UpdateBusy() const {
  for (auto& [job, run] : runs_) {
    const absl::Duration until = run.ended.value_or(clock_.Monotonic());
    run.busy_seconds_total = absl::ToDoubleSeconds(until - run.started);
  }
}

}  // namespace tune::worker
