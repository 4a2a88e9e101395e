#include "server/core/progress.h"

#include <algorithm>

#include "run/pace.h"

namespace tune::server {
namespace {

void SetPace(const Pace& pace, Progress& progress) {
  progress.seconds_per_step = pace.seconds_per_step;
  progress.tokens_per_second = pace.tokens_per_second;
  progress.eta_seconds = pace.SecondsLeft(progress.step, progress.total_steps);
}

void ApplyStep(const TrainingReport& report, int64_t resumed_step, Progress& progress) {
  progress.step = report.step;
  if (report.total_steps > 0) progress.total_steps = report.total_steps;
  progress.epoch = report.epoch;
  progress.loss = report.loss;
  progress.learning_rate = report.learning_rate;
  progress.grad_norm = report.grad_norm;
  Pace pace{progress.seconds_per_step, progress.tokens_per_second,
            std::max<int64_t>(report.step - resumed_step - 1, 0)};
  pace.Add(report.seconds, report.tokens);
  SetPace(pace, progress);
  AddStep(report.sources, &progress.sources);
}

}  // namespace

void ApplyReport(const TrainingReport& report, int64_t resumed_step, Progress& progress) {
  switch (report.kind) {
    case TrainingReport::Kind::kStarted:
      progress.step = report.resumed_step;
      progress.total_steps = report.total_steps;
      SetPace(Pace(), progress);
      break;
    case TrainingReport::Kind::kStep:
      ApplyStep(report, resumed_step, progress);
      break;
    case TrainingReport::Kind::kEvaluation:
      progress.eval_loss = report.eval_loss;
      AddEvaluation(report.eval_sources, &progress.sources);
      break;
    case TrainingReport::Kind::kOther:
      return;
  }
  progress.update_time = report.time;
}

}  // namespace tune::server
