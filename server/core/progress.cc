#include "server/core/progress.h"

#include <algorithm>
#include <cmath>

namespace tune::server {
namespace {

constexpr double kPaceWeight = 0.1;

void ApplyPace(const TrainingReport& report, Progress& progress) {
  if (!(report.seconds > 0)) return;
  progress.tokens_per_second = static_cast<double>(report.tokens) / report.seconds;
  double& pace = progress.seconds_per_step;
  pace = std::isnan(pace) ? report.seconds : pace + kPaceWeight * (report.seconds - pace);
  const int64_t steps_left = std::max<int64_t>(progress.total_steps - progress.step, 0);
  progress.eta_seconds = pace * static_cast<double>(steps_left);
}

void ApplyStep(const TrainingReport& report, Progress& progress) {
  progress.step = report.step;
  if (report.total_steps > 0) progress.total_steps = report.total_steps;
  progress.epoch = report.epoch;
  progress.loss = report.loss;
  progress.learning_rate = report.learning_rate;
  progress.grad_norm = report.grad_norm;
  ApplyPace(report, progress);
}

}  // namespace

void ApplyReport(const TrainingReport& report, Progress& progress) {
  switch (report.kind) {
    case TrainingReport::Kind::kStarted:
      progress.step = report.resumed_step;
      progress.total_steps = report.total_steps;
      break;
    case TrainingReport::Kind::kStep:
      ApplyStep(report, progress);
      break;
    case TrainingReport::Kind::kEvaluation:
      progress.eval_loss = report.eval_loss;
      break;
    case TrainingReport::Kind::kOther:
      return;
  }
  progress.update_time = report.time;
}

}  // namespace tune::server
