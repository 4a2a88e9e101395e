// Among equal priorities the users who have had less of the fleet go first.
#include <gmock/gmock.h>

#include "absl/strings/str_cat.h"
#include "tests/unit/server/engine/engine_fixture.h"

namespace tune::server {
namespace {

using testing::ElementsAre;

class FairShareTest : public EngineTest {
 protected:
  void SubmitAs(const std::string& user, const std::string& id, int64_t priority = 0) {
    PushInputs();
    NewJob request = Request(id);
    request.owner = user;
    request.spec.priority = priority;
    Submit(request);
  }
  // Worker "w" trains the next job for a minute, and it ends.
  std::string TrainNext() {
    const auto lease = Acquire("w");
    if (!lease) return "";
    EXPECT_TRUE(engine().reports().ReportEvents(lease->key, 1, {Started(10)}).ok());
    for (int i = 0; i < 6; ++i) {
      PassTime(absl::Seconds(10));
      Heartbeat("w", {lease->key});
      EXPECT_TRUE(engine().reports().ReportEvents(lease->key, 2 + i, {Step(i + 1)}).ok());
    }
    EXPECT_TRUE(
        engine().reports().FinishAttempt(lease->key, {Outcome::kFailedFinal, "BadSpec"}).ok());
    return lease->key.job_id;
  }
};

TEST_F(FairShareTest, UsersTakeTurnsWhoeverCameFirst) {
  ASSERT_TRUE(Register("w").ok());
  for (int i = 0; i < 3; ++i) SubmitAs("ann", absl::StrCat("a", i));
  for (int i = 0; i < 2; ++i) SubmitAs("bob", absl::StrCat("b", i));
  EXPECT_EQ(Get("b0").queue_position, 3) << "nobody has had anything: by submission";
  std::vector<std::string> order = {TrainNext()};
  EXPECT_EQ(Get("b0").queue_position, 0);
  EXPECT_EQ(Get("a1").queue_position, 2);
  for (int i = 0; i < 4; ++i) order.push_back(TrainNext());
  EXPECT_THAT(order, ElementsAre("a0", "b0", "a1", "b1", "a2"));
}

TEST_F(FairShareTest, PriorityGoesBeforeIt) {
  ASSERT_TRUE(Register("w").ok());
  SubmitAs("ann", "a0");
  EXPECT_EQ(TrainNext(), "a0");
  SubmitAs("bob", "b0");
  SubmitAs("ann", "a1", 1);
  EXPECT_EQ(TrainNext(), "a1");
}

TEST_F(FairShareTest, WhatWasUsedOutlastsTheScheduler) {
  ASSERT_TRUE(Register("w").ok());
  SubmitAs("ann", "a0");
  EXPECT_EQ(TrainNext(), "a0");
  SubmitAs("ann", "a1");
  SubmitAs("bob", "b0");
  Reopen();
  EXPECT_EQ(Get("b0").queue_position, 0);
  EXPECT_EQ(Get("a1").queue_position, 1);
}

}  // namespace
}  // namespace tune::server
