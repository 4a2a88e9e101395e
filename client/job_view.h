// What is known of a running job, put together from its history, and how it looks.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "client/style.h"
#include "run/pace.h"
#include "tune/v1/jobs.pb.h"

namespace tune::client {

class JobView {
 public:
  void Apply(const v1::WatchJobResponse& update);

  const v1::Job& job() const { return job_; }
  const std::vector<v1::TrainingEvent::Sample>& samples() const { return samples_; }
  const std::vector<double>& losses() const { return losses_; }

  // The live view's lines, none wider than `width` cells:
  //   job/NAME  RUNNING on WORKER  attempt 2 (resumed @ step 1,200)
  //    step 4,210/6,570 ━━━━━━━━╸─────  64.1%  epoch 1.28/2  ETA 1h04m (18:52)
  //    loss 1.041 ▇▆▅▄▃▂▁  lr 9.2e-06  |g| 0.83  12,480 tok/s
  //    by source  chip2 1.12  gsm8k 0.871       (of a job with several datasets)
  //    last checkpoint step 4,000 (3m ago)
  // Times of day in `zone`.
  std::vector<std::string> Lines(absl::Time now, absl::TimeZone zone, int width,
                                 const Style& style) const;

 private:
  void Apply(const v1::JobEvent& event);
  void ApplyTraining(const v1::TrainingEvent& event);
  int64_t StepOfCheckpoint(const std::string& name) const;
  void ApplyStep(const v1::TrainingEvent::Step& step);
  // The scheduler's figures, which every command shows, once it has those of this step.
  double TokensPerSecond() const;
  double SecondsLeft() const;
  std::string StateLine(const Style& style) const;
  std::string ProgressLine(absl::Time now, absl::TimeZone zone, int width,
                           const Style& style) const;
  std::string LossLine(int width, const Style& style) const;
  std::string SourcesLine() const;
  std::string CheckpointLine(absl::Time now) const;

  struct Saved {
    int64_t step;
    absl::Time time;
  };

  v1::Job job_;
  int attempt_ = 0;
  int64_t resumed_step_ = 0;
  std::optional<v1::TrainingEvent::Step> step_;
  std::vector<double> losses_;  // [i] is the loss of step i + 1; NaN where unknown
  std::optional<v1::TrainingEvent::Evaluation> evaluation_;
  std::optional<Saved> checkpoint_;  // the newest on the scheduler
  std::string warning_;
  std::vector<v1::TrainingEvent::Sample> samples_;
  Pace pace_;  // of the attempt, where the job tells none of this step yet
};

}  // namespace tune::client
