// What a report changes in the figures a job shows.
#pragma once

#include "server/core/job.h"
#include "server/core/training_report.h"

namespace tune::server {

// Folds one report in. Pace and time left are those of run/pace.h, anew for each attempt.
void ApplyReport(const TrainingReport& report, Progress& progress);

}  // namespace tune::server
