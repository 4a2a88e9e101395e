// How the jobs that a job waits for must end.
#pragma once

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/core/job_state.h"

namespace tune::server {

enum class AfterOutcome { kSuccess, kAny };

absl::string_view AfterOutcomeName(AfterOutcome outcome);  // "success", "any"
// "" is the default, success. INVALID_ARGUMENT lists the names there are.
absl::StatusOr<AfterOutcome> AfterOutcomeFromName(absl::string_view name);

// Whether a job that is over has ended as those that wait for it ask.
bool Satisfies(JobState state, AfterOutcome outcome);

}  // namespace tune::server
