#include "run/reason.h"

#include <gtest/gtest.h>

namespace tune {
namespace {

TEST(Reason, EveryRowIsFoundByItsName) {
  for (const Reason& reason : Reasons()) EXPECT_EQ(FindReason(reason.name), &reason);
  EXPECT_EQ(FindReason("NoSuchReason"), nullptr);
}

// What is nobody's, the worker's or the scheduler's fault never ends a job by itself, nor
// takes one of the retries that its owner gave it.
TEST(Reason, OnlyTheJobAndItsDataFailAJob) {
  for (const Reason& reason : Reasons()) {
    // Of which the host may be the cause as well.
    const bool doubted = reason.name == kTrainerDiedAtStart;
    const bool own = reason.fault == Fault::kJob || reason.fault == Fault::kData;
    const bool ordered = reason.name == kCancelled || reason.name == kDependencyFailed;
    const bool charged = reason.cost == Cost::kRetry || reason.cost == Cost::kJob;
    EXPECT_EQ(charged, (own && !doubted) || ordered) << reason.name;
  }
}

TEST(Reason, WhatAJobIsChargedForSaysWhatToDo) {
  for (const Reason& reason : Reasons()) {
    EXPECT_TRUE(reason.fault == Fault::kNobody || !reason.next.empty()) << reason.name;
  }
}

}  // namespace
}  // namespace tune
