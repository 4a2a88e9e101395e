#include "server/core/job_state.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace tune::server {
namespace {

struct StateRow {
  JobState state;
  absl::string_view name;
  bool terminal;
  bool held;
};

constexpr std::array<StateRow, 7> kStates = {{
    {JobState::kQueued, "QUEUED", false, false},
    {JobState::kLeased, "LEASED", false, true},
    {JobState::kRunning, "RUNNING", false, true},
    {JobState::kPaused, "PAUSED", false, false},
    {JobState::kSucceeded, "SUCCEEDED", true, false},
    {JobState::kFailed, "FAILED", true, false},
    {JobState::kCancelled, "CANCELLED", true, false},
}};

struct Move {
  JobState from;
  JobState to;
};

constexpr std::array<Move, 17> kMoves = {{
    {JobState::kQueued, JobState::kLeased},
    {JobState::kQueued, JobState::kPaused},
    {JobState::kQueued, JobState::kCancelled},
    {JobState::kLeased, JobState::kRunning},
    {JobState::kLeased, JobState::kQueued},
    {JobState::kLeased, JobState::kPaused},
    {JobState::kLeased, JobState::kFailed},
    {JobState::kLeased, JobState::kCancelled},
    {JobState::kRunning, JobState::kQueued},
    {JobState::kRunning, JobState::kPaused},
    {JobState::kRunning, JobState::kSucceeded},
    {JobState::kRunning, JobState::kFailed},
    {JobState::kRunning, JobState::kCancelled},
    {JobState::kPaused, JobState::kQueued},
    {JobState::kPaused, JobState::kCancelled},
    {JobState::kFailed, JobState::kQueued},
    {JobState::kCancelled, JobState::kQueued},
}};

const StateRow& Row(JobState state) { return kStates[static_cast<size_t>(state)]; }

}  // namespace

absl::string_view JobStateName(JobState state) { return Row(state).name; }

absl::StatusOr<JobState> JobStateFromName(absl::string_view name) {
  for (const StateRow& row : kStates) {
    if (row.name == name) return row.state;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("no job state \"", name, "\"; there are ",
                   absl::StrJoin(kStates, ", ", [](std::string* out, const StateRow& row) {
                     absl::StrAppend(out, row.name);
                   })));
}

bool IsTerminal(JobState state) { return Row(state).terminal; }

bool IsHeld(JobState state) { return Row(state).held; }

bool CanMove(JobState from, JobState to) {
  return std::any_of(kMoves.begin(), kMoves.end(),
                     [&](const Move& move) { return move.from == from && move.to == to; });
}

}  // namespace tune::server
