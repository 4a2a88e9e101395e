#include "server/core/job_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <utility>

namespace tune::server {
namespace {

using S = JobState;

TEST(JobState, EveryMoveIsAllowedOrNotAsTheContractSays) {
  const std::set<std::pair<S, S>> allowed = {
      {S::kQueued, S::kLeased},  {S::kQueued, S::kPaused},    {S::kQueued, S::kCancelled},
      {S::kLeased, S::kRunning}, {S::kLeased, S::kQueued},    {S::kLeased, S::kPaused},
      {S::kLeased, S::kFailed},  {S::kLeased, S::kCancelled}, {S::kRunning, S::kQueued},
      {S::kRunning, S::kPaused}, {S::kRunning, S::kFailed},   {S::kRunning, S::kCancelled},
      {S::kPaused, S::kQueued},  {S::kPaused, S::kCancelled}, {S::kRunning, S::kSucceeded},
      {S::kFailed, S::kQueued},  {S::kCancelled, S::kQueued}};
  for (S from : kJobStates) {
    for (S to : kJobStates) {
      EXPECT_EQ(CanMove(from, to), allowed.count({from, to}) == 1)
          << std::string(JobStateName(from)) << " to " << std::string(JobStateName(to));
    }
  }
}

TEST(JobState, NothingLeavesATerminalStateButARetry) {
  for (S from : kJobStates) {
    for (S to : kJobStates) {
      EXPECT_FALSE(IsTerminal(from) && CanMove(from, to) && to != S::kQueued);
    }
  }
  EXPECT_FALSE(CanMove(S::kSucceeded, S::kQueued));
  EXPECT_TRUE(IsTerminal(S::kSucceeded) && IsTerminal(S::kFailed) && IsTerminal(S::kCancelled));
  EXPECT_FALSE(IsTerminal(S::kQueued) || IsTerminal(S::kLeased) || IsTerminal(S::kRunning) ||
               IsTerminal(S::kPaused));
}

TEST(JobState, AWorkerHoldsWhatIsLeasedOrRunning) {
  for (S state : kJobStates) {
    EXPECT_EQ(IsHeld(state), state == S::kLeased || state == S::kRunning);
  }
}

TEST(JobState, NamesGoBothWays) {
  for (S state : kJobStates) EXPECT_EQ(*JobStateFromName(JobStateName(state)), state);
  const auto unknown = JobStateFromName("DONE");
  EXPECT_EQ(unknown.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(unknown.status().message()),
              testing::AllOf(testing::HasSubstr("\"DONE\""), testing::HasSubstr("SUCCEEDED")));
}

}  // namespace
}  // namespace tune::server
