// What a worker reports of a training while it runs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "run/event.h"
#include "server/core/job.h"

namespace tune::server {

// One training event on its way in: the serialized message for the history, and the
// fields that the job's row keeps. Fields that its kind lacks stay as they are here.
struct TrainingReport {
  enum class Kind {
    kStarted,     // total_steps, resumed_step
    kStep,        // step, total_steps, epoch, loss, learning_rate, grad_norm, tokens, seconds,
                  // sources
    kEvaluation,  // step, eval_loss, eval_sources
    kOther,       // checkpoint saved, sample, notice, finished, failed: history only
  };

  Kind kind = Kind::kOther;
  absl::Time time = absl::InfinitePast();
  std::string payload;
  int64_t step = 0;
  int64_t total_steps = 0;
  int64_t resumed_step = 0;
  double epoch = 0;
  double loss = Progress::kUnknown;
  double learning_rate = Progress::kUnknown;
  double grad_norm = Progress::kUnknown;
  double eval_loss = Progress::kUnknown;
  int64_t tokens = 0;  // through the model in this step
  double seconds = 0;  // the step took
  std::vector<SourceStep> sources;
  std::vector<SourceLoss> eval_sources;
};

}  // namespace tune::server
