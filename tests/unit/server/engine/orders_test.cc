// pause, resume, retry; cancel is in leases_test.cc, where leases end.
#include "server/engine/orders.h"

#include <gmock/gmock.h>

#include "base/field_errors.h"
#include "tests/unit/server/engine/engine_fixture.h"

namespace tune::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class OrdersTest : public EngineTest {
 protected:
  // Worker "w" trains job "j", up to step 5 and its checkpoint.
  Lease Training() {
    SubmitJob("j");
    const Lease lease = LeaseFirst();
    EXPECT_TRUE(engine().reports().ReportEvents(lease.key, 1, {Started(10), Step(5)}).ok());
    EXPECT_TRUE(Commit(lease.key, 5).ok());
    return lease;
  }
  absl::Status Finish(const Lease& lease, absl::string_view reason) {
    return engine().reports().FinishAttempt(
        lease.key, {Outcome::kFailedRetryable, std::string(reason), "said the worker"});
  }
  std::vector<LeaseKey> Yielding(const Lease& lease) {
    return engine().leases().Yielding({lease.key});
  }
  // A job that has failed for good after step 5.
  Job Failed() {
    const Lease lease = Training();
    EXPECT_TRUE(
        engine().reports().FinishAttempt(lease.key, {Outcome::kFailedFinal, "BadSpec", "no"}).ok());
    return Get("j");
  }
};

TEST_F(OrdersTest, AQueuedJobIsPausedAtOnceAndResumedAtItsOldPlace) {
  SubmitJob("j");
  SubmitJob("later");
  const auto paused = engine().orders().Pause({"j", "for the demo", "r1", "alice"});
  ASSERT_TRUE(paused.ok()) << paused.status();
  EXPECT_EQ(paused->state, JobState::kPaused);
  EXPECT_EQ(paused->reason, "Paused");
  EXPECT_EQ(paused->message, "for the demo");
  const JobEvent told = Events("j").back();
  EXPECT_EQ(told.state, JobState::kPaused);
  EXPECT_EQ(told.user, "alice");
  EXPECT_EQ(told.message, "for the demo");
  Reopen();
  EXPECT_EQ(Get("later").queue_position, 0);
  ASSERT_TRUE(engine().orders().Resume({"j", "", "r2", "bob"}).ok());
  EXPECT_EQ(Get("j").queue_position, 0);
  EXPECT_EQ(Get("later").queue_position, 1);
  EXPECT_EQ(Events("j").back().user, "bob");
}

TEST_F(OrdersTest, ARunningJobYieldsBeforeItIsPausedAndGoesOnFromItsCheckpoint) {
  const Lease lease = Training();
  EXPECT_THAT(Yielding(lease), IsEmpty());
  const Job pausing = *engine().orders().Pause({"j", "lunch"});
  EXPECT_EQ(pausing.state, JobState::kRunning);
  EXPECT_EQ(pausing.reason, "Pausing");
  EXPECT_THAT(Yielding(lease), ElementsAre(lease.key));
  ASSERT_TRUE(Commit(lease.key, 7).ok()) << "the lease lives until the worker lets go";
  ASSERT_TRUE(Finish(lease, kYielded).ok());
  const Job paused = Get("j");
  EXPECT_EQ(paused.state, JobState::kPaused);
  EXPECT_EQ(paused.reason, "Paused");
  EXPECT_EQ(paused.message, "lunch");
  EXPECT_EQ(paused.attempts[0].result, "Paused");
  EXPECT_EQ(paused.budget, Budget()) << "a pause costs nothing";
  EXPECT_FALSE(Acquire("w").has_value());
  EXPECT_EQ(engine().queries().GetWorker("w")->state, WorkerState::kIdle);
  ASSERT_TRUE(engine().orders().Resume({"j"}).ok());
  const auto next = Acquire("w");
  ASSERT_TRUE(next.has_value());
  EXPECT_EQ(next->resume_from->step, 7);
  EXPECT_GT(next->key.epoch, lease.key.epoch);
}

TEST_F(OrdersTest, APauseOnItsWaySurvivesARestart) {
  const Lease lease = Training();
  ASSERT_TRUE(engine().orders().Pause({"j"}).ok());
  Reopen();
  EXPECT_THAT(Yielding(lease), ElementsAre(lease.key));
  ASSERT_TRUE(Finish(lease, kYielded).ok());
  Reopen();
  EXPECT_EQ(Get("j").state, JobState::kPaused);
}

// Whatever ends the attempt, a person wanted the job to stand still.
TEST_F(OrdersTest, AJobThatLosesItsWorkerWhileItPausesIsPausedAndFencedOff) {
  const Lease lease = Training();
  ASSERT_TRUE(engine().orders().Pause({"j"}).ok());
  PassTime(absl::Seconds(31));
  EXPECT_EQ(Get("j").state, JobState::kPaused);
  EXPECT_THAT(Heartbeat("w", {lease.key}), ElementsAre(lease.key)) << "it must not go on";
  EXPECT_FALSE(Commit(lease.key, 9).ok());
  EXPECT_EQ(Get("j").state, JobState::kPaused);
}

TEST_F(OrdersTest, AJobThatSucceedsWhileItPausesHasSucceeded) {
  const Lease lease = Training();
  ASSERT_TRUE(engine().orders().Pause({"j"}).ok());
  ASSERT_TRUE(Commit(lease.key, 10, true).ok());
  ASSERT_TRUE(engine().reports().FinishAttempt(lease.key, {Outcome::kSucceeded}).ok());
  EXPECT_EQ(Get("j").state, JobState::kSucceeded);
}

TEST_F(OrdersTest, AResumeTakesAPauseBackThatHasNotCome) {
  const Lease lease = Training();
  ASSERT_TRUE(engine().orders().Pause({"j"}).ok());
  const Job resumed = *engine().orders().Resume({"j"});
  EXPECT_EQ(resumed.state, JobState::kRunning);
  EXPECT_EQ(resumed.reason, "");
  EXPECT_THAT(Yielding(lease), IsEmpty());
  // The worker had heard of the pause already.
  ASSERT_TRUE(Finish(lease, kYielded).ok());
  EXPECT_EQ(Get("j").state, JobState::kQueued);
  EXPECT_EQ(Get("j").attempts[0].result, "Yielded");
}

TEST_F(OrdersTest, AWorkerThatWasLostCannotTakeUpAPausedJob) {
  const Lease lease = Training();
  PassTime(absl::Seconds(31));
  ASSERT_EQ(Get("j").state, JobState::kQueued);
  ASSERT_TRUE(engine().orders().Pause({"j"}).ok());
  EXPECT_THAT(Heartbeat("w", {lease.key}), ElementsAre(lease.key));
  ASSERT_TRUE(engine().orders().Resume({"j"}).ok());
  EXPECT_FALSE(Commit(lease.key, 9).ok()) << "nor one that was resumed since";
}

TEST_F(OrdersTest, APausedJobIsNotOverAndCanBeCancelled) {
  SubmitJob("j");
  ASSERT_TRUE(engine().orders().Pause({"j"}).ok());
  EXPECT_FALSE(engine().removal().DeleteJob("j").ok());
  EXPECT_FALSE(engine().registry().DeleteDataset("d").ok()) << "it is used still";
  ASSERT_TRUE(engine().orders().Cancel({"j"}).ok());
  EXPECT_EQ(Get("j").state, JobState::kCancelled);
}

TEST_F(OrdersTest, ARetryHasEverythingAnewButItsProgress) {
  const Job failed = Failed();
  ASSERT_EQ(failed.state, JobState::kFailed);
  const auto again = engine().orders().Retry({"j", "the disk is mended", "r", "alice"});
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->state, JobState::kQueued);
  EXPECT_GT(again->epoch, failed.epoch);
  EXPECT_EQ(again->budget, Budget());
  EXPECT_EQ(again->run_time, absl::ZeroDuration());
  EXPECT_EQ(again->end_time, absl::InfinitePast());
  EXPECT_EQ(Events("j").back().user, "alice");
  Reopen();
  ASSERT_TRUE(Register("w").ok());
  const auto lease = Acquire("w");
  ASSERT_TRUE(lease.has_value());
  EXPECT_EQ(lease->attempt, 2);
  EXPECT_EQ(lease->resume_from->step, 5);
}

// A repeat that was on its way for long must not queue a job that has failed again since.
TEST_F(OrdersTest, ARepeatedRequestHasNoEffect) {
  Failed();
  ASSERT_TRUE(engine().orders().Retry({"j", "", "r"}).ok());
  const auto lease = Acquire("w");
  ASSERT_TRUE(lease.has_value());
  ASSERT_TRUE(
      engine().reports().FinishAttempt(lease->key, {Outcome::kFailedFinal, "BadSpec"}).ok());
  const auto repeat = engine().orders().Retry({"j", "", "r"});
  ASSERT_TRUE(repeat.ok()) << repeat.status();
  EXPECT_EQ(repeat->state, JobState::kFailed);
  EXPECT_EQ(Get("j").state, JobState::kFailed);
  const auto other = engine().orders().Cancel({"j", "", "r"});
  EXPECT_EQ(other.status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(other.status().message(), HasSubstr("retry jobs/j"));
}

TEST_F(OrdersTest, ARetryNeedsItsInputs) {
  Failed();
  ASSERT_TRUE(engine().registry().DeleteDataset("d").ok());
  const absl::Status status = engine().orders().Retry({"j"}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(FieldErrorsOf(status).at(0).field, "datasets[0].dataset");
  EXPECT_EQ(Get("j").state, JobState::kFailed);
}

TEST_F(OrdersTest, WhatTheStateDoesNotPermitIsRefusedWithWhatToDo) {
  SubmitJob("j");
  EXPECT_EQ(engine().orders().Resume({"j"}).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(engine().orders().Retry({"j"}).status().code(), absl::StatusCode::kFailedPrecondition);
  ASSERT_TRUE(engine().orders().Cancel({"j"}).ok());
  EXPECT_EQ(engine().orders().Pause({"j"}).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(engine().orders().Resume({"j"}).status().message(), HasSubstr("tunectl retry j"));
  EXPECT_EQ(engine().orders().Pause({"none"}).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(engine().orders().Pause({"j", "", std::string(129, 'r')}).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(OrdersTest, ARehearsalTellsWhatWouldComeAndDoesNothing) {
  SubmitJob("j");
  const size_t events = Events("j").size();
  const auto paused = engine().orders().Pause({"j", "", "r", "", /*validate_only=*/true});
  ASSERT_TRUE(paused.ok()) << paused.status();
  EXPECT_EQ(paused->state, JobState::kPaused);
  EXPECT_EQ(Get("j").state, JobState::kQueued);
  EXPECT_EQ(Events("j").size(), events);
  EXPECT_EQ(engine().orders().Resume({"j", "", "", "", true}).status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(engine().orders().Pause({"j", "", "r"}).ok()) << "the request was not spent";
  EXPECT_EQ(Get("j").state, JobState::kPaused);
}

}  // namespace
}  // namespace tune::server
