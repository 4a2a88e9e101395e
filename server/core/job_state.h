// The states of a job and the moves between them. The names are those of the proto, the
// schema, the metrics and the command line.
#pragma once

#include <array>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tune::server {

enum class JobState { kQueued, kLeased, kRunning, kPaused, kSucceeded, kFailed, kCancelled };

inline constexpr std::array<JobState, 7> kJobStates = {
    JobState::kQueued,    JobState::kLeased, JobState::kRunning,  JobState::kPaused,
    JobState::kSucceeded, JobState::kFailed, JobState::kCancelled};

absl::string_view JobStateName(JobState state);  // "QUEUED"
// INVALID_ARGUMENT lists the names there are.
absl::StatusOr<JobState> JobStateFromName(absl::string_view name);

// SUCCEEDED, FAILED or CANCELLED: nothing follows, but that a person may have the latter two tried
// again.
bool IsTerminal(JobState state);
// LEASED or RUNNING: a worker holds it.
bool IsHeld(JobState state);
bool CanMove(JobState from, JobState to);

}  // namespace tune::server
