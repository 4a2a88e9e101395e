// What a report changes in the figures a job shows.
#pragma once

#include "server/core/job.h"

namespace tune::server {

// Folds one report in: the pace is a moving average over about the last ten steps, the
// time left is that pace times the steps left.
void ApplyReport(const TrainingReport& report, Progress& progress);

}  // namespace tune::server
