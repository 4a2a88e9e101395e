// A job from submit to its result, and its history as told to a watcher.
#include <gmock/gmock.h>

#include "tests/unit/server/engine/engine_fixture.h"

namespace tune::server {
namespace {

using testing::ElementsAre;

class Lifecycle : public EngineTest {
 protected:
  std::vector<std::string> History(const std::string& id) {
    std::vector<std::string> history;
    for (const JobEvent& event : Events(id)) {
      switch (event.kind) {
        case JobEvent::Kind::kStateChange:
          history.push_back(std::string(JobStateName(event.state)));
          break;
        case JobEvent::Kind::kTraining:
          history.push_back(event.payload);
          break;
        case JobEvent::Kind::kCheckpoint:
          history.push_back(event.checkpoint);
          break;
        case JobEvent::Kind::kUnreadable:
          history.push_back(event.message);
          break;
      }
    }
    return history;
  }
};

TEST_F(Lifecycle, SubmitLeaseTrainLoseResumeSucceed) {
  SubmitJob("j");
  const Lease first = LeaseFirst();
  ASSERT_TRUE(engine().reports().ReportEvents(first.key, 1, {Started(10), Step(1)}).ok());
  ASSERT_TRUE(Commit(first.key, 1).ok());
  Reopen();
  PassTime(absl::Seconds(30));
  ASSERT_TRUE(Register("x").ok());
  const Lease second = *Acquire("x");
  ASSERT_TRUE(engine().reports().ReportEvents(second.key, 1, {Started(2, 1), Step(2)}).ok());
  ASSERT_TRUE(Commit(second.key, 2, /*final=*/true).ok());
  ASSERT_TRUE(engine().reports().FinishAttempt(second.key, {Outcome::kSucceeded}).ok());
  EXPECT_THAT(History("j"),
              ElementsAre("QUEUED", "LEASED", "RUNNING", "started", "step 1",
                          "jobs/j/checkpoints/step-00000001", "QUEUED", "LEASED", "RUNNING",
                          "started", "step 2", "jobs/j/checkpoints/final", "SUCCEEDED"));
  const auto events = Events("j");
  for (size_t i = 0; i < events.size(); ++i) EXPECT_EQ(events[i].seq, static_cast<int64_t>(i) + 1);
  EXPECT_EQ(engine().queries().ListEvents("j", 11, 1)->at(0).seq, 12);
  EXPECT_EQ(engine().queries().ListEvents("none", 0).status().code(), absl::StatusCode::kNotFound);
  Reopen();
  EXPECT_EQ(Get("j").state, JobState::kSucceeded);
  EXPECT_EQ(Get("j").final_checkpoint, "jobs/j/checkpoints/final");
}

TEST_F(Lifecycle, EpochsNeverRepeat) {
  SubmitJob("j", /*retries=*/10);
  ASSERT_TRUE(Register("w").ok());
  int64_t last = 0;
  for (int i = 0; i < 4; ++i) {
    const auto lease = Acquire("w");
    ASSERT_TRUE(lease.has_value());
    EXPECT_GT(lease->key.epoch, last);
    last = lease->key.epoch;
    for (int beat = 0; beat < 4; ++beat) {
      PassTime(absl::Seconds(8));
      Heartbeat("w", {});
    }
    Reopen();
    PassTime(absl::Seconds(5));  // a retry's delay begins anew
    Heartbeat("w", {});
  }
}

}  // namespace
}  // namespace tune::server
