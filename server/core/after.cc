#include "server/core/after.h"

#include "absl/strings/str_cat.h"

namespace tune::server {

absl::string_view AfterOutcomeName(AfterOutcome outcome) {
  return outcome == AfterOutcome::kAny ? "any" : "success";
}

absl::StatusOr<AfterOutcome> AfterOutcomeFromName(absl::string_view name) {
  if (name.empty() || name == "success") return AfterOutcome::kSuccess;
  if (name == "any") return AfterOutcome::kAny;
  return absl::InvalidArgumentError(absl::StrCat("must be success or any, got \"", name, "\""));
}

bool Satisfies(JobState state, AfterOutcome outcome) {
  return state == JobState::kSucceeded || outcome == AfterOutcome::kAny;
}

}  // namespace tune::server
