// What a report changes in the figures a job shows.
#pragma once

#include "server/core/job.h"
#include "server/core/training_report.h"

namespace tune::server {

// Folds one report in, of an attempt that went on from `resumed_step`. Pace and time left are
// those of run/pace.h, anew for each attempt.
void ApplyReport(const TrainingReport& report, int64_t resumed_step, Progress& progress);

}  // namespace tune::server
