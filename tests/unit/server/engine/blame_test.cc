// Whose fault an end is, what it costs the job, and what becomes of the worker: nothing but
// the job fails a job.
#include <gmock/gmock.h>

#include "absl/strings/str_cat.h"
#include "run/reason.h"
#include "server/core/retry.h"
#include "tests/unit/server/engine/engine_fixture.h"

namespace tune::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class BlameTest : public EngineTest {
 protected:
  void Fail(const LeaseKey& key, absl::string_view reason, const std::string& message = "") {
    const absl::Status status = engine().reports().FinishAttempt(
        key, {Outcome::kFailedRetryable, std::string(reason), message});
    EXPECT_TRUE(status.ok()) << status;
  }
  // The next lease of `worker`, once every delay is over.
  Lease Next(const std::string& worker) {
    PassTime(absl::Seconds(40));
    EXPECT_TRUE(Register(worker).ok());
    const auto lease = Acquire(worker);
    EXPECT_TRUE(lease.has_value());
    return lease.value_or(Lease());
  }
  void Step(const LeaseKey& key, int64_t first_seq, int64_t step) {
    EXPECT_TRUE(engine().reports().ReportEvents(key, first_seq, {EngineTest::Step(step)}).ok());
  }
  WorkerRecord Worker(const std::string& id) { return *engine().queries().GetWorker(id); }
};

TEST_F(BlameTest, DrainsOfARollingUpdateTakeNoRetry) {
  SubmitJob("j", /*retries=*/0);
  for (int i = 1; i <= 8; ++i) {
    const Lease lease = Next("w");
    Step(lease.key, 1, i);
    Fail(lease.key, kWorkerDraining);
  }
  const Job job = Get("j");
  EXPECT_EQ(job.state, JobState::kQueued);
  EXPECT_EQ(job.attempt, 8);
  EXPECT_EQ(job.budget, (Budget{.retries_used = 0, .disruptions = 1})) << "progress gives back";
}

TEST_F(BlameTest, AJobThatOnlyEverLosesItsWorkersEndsAtLast) {
  SubmitJob("j", /*retries=*/0);
  for (int i = 0; i <= kMaxDisruptions; ++i) Fail(Next("w").key, kWorkerLost);
  EXPECT_EQ(Get("j").state, JobState::kFailed);
  EXPECT_EQ(Get("j").reason, kDisruptedTooOften);
}

TEST_F(BlameTest, AnUnfitWorkerCostsNothingAndIsBenched) {
  SubmitJob("j", /*retries=*/0);
  Fail(LeaseFirst().key, kWorkerUnfit, "/cache is not writable");
  EXPECT_EQ(Get("j").state, JobState::kQueued);
  EXPECT_EQ(Get("j").budget, Budget());
  EXPECT_FALSE(Acquire("w").has_value()) << "a worker that fails at once gets the whole queue";
  EXPECT_EQ(Worker("w").state, WorkerState::kUnhealthy);
  EXPECT_THAT(Worker("w").unhealthy, HasSubstr("/cache is not writable"));
  EXPECT_EQ(Get("j").reason, "NoHealthyWorker");
  EXPECT_EQ(observer_.benched, 1);
  ASSERT_TRUE(Register("good").ok());
  EXPECT_TRUE(Acquire("good").has_value());
}

TEST_F(BlameTest, ABenchedWorkerIsTriedAgainAfterItsTime) {
  SubmitJob("j", /*retries=*/0);
  Fail(LeaseFirst().key, kWorkerUnfit);
  int woken = 0;
  const auto waiting = engine().waiters().Add("w", [&] { ++woken; });
  for (int i = 0; i < 3; ++i) {
    PassTime(absl::Seconds(9));
    Heartbeat("w", {});
    EXPECT_FALSE(Acquire("w").has_value());
  }
  EXPECT_EQ(woken, 0);
  PassTime(absl::Seconds(3));
  EXPECT_EQ(woken, 1);
  EXPECT_TRUE(Acquire("w").has_value());
}

TEST_F(BlameTest, TwoJobsThatCrashInARowBenchTheirWorker) {
  SubmitJob("a");
  SubmitJob("b");
  Fail(LeaseFirst().key, kTrainerCrashed);
  EXPECT_EQ(Worker("w").state, WorkerState::kIdle);
  Fail(Acquire("w")->key, kTrainerCrashed);
  EXPECT_EQ(Worker("w").state, WorkerState::kUnhealthy);
}

// A host on which no trainer starts takes nothing from the jobs that it gets, and is benched.
TEST_F(BlameTest, AJobWhoseTrainerDiesAtItsStartLosesNoRetryAndGoesElsewhere) {
  SubmitJob("a", /*retries=*/0);
  SubmitJob("b", /*retries=*/0);
  const Lease first = LeaseFirst();
  ASSERT_TRUE(Register("good").ok());
  Fail(first.key, kTrainerDiedAtStart);
  EXPECT_EQ(Get("a").state, JobState::kQueued);
  EXPECT_EQ(Get("a").budget, (Budget{.retries_used = 0, .disruptions = 1}));
  EXPECT_THAT(Get("a").avoids, ElementsAre("w"));
  const Lease second = *Acquire("w");
  EXPECT_EQ(second.key.job_id, "b");
  Fail(second.key, kTrainerDiedAtStart);
  EXPECT_EQ(Worker("w").state, WorkerState::kUnhealthy);
  EXPECT_EQ(Acquire("good")->key.job_id, "a");
}

TEST_F(BlameTest, AJobGoesElsewhereAfterACrash) {
  SubmitJob("j");
  const Lease first = LeaseFirst();
  ASSERT_TRUE(Register("other").ok());
  Fail(first.key, kTrainerCrashed);
  PassTime(absl::Seconds(2));
  EXPECT_FALSE(Acquire("w").has_value());
  EXPECT_EQ(Acquire("other")->key.job_id, "j");
}

TEST_F(BlameTest, AJobWaitsForAnotherWorkerAMinuteAtMost) {
  SubmitJob("j");
  const Lease first = LeaseFirst();
  SubmitJob("long");
  ASSERT_TRUE(Register("busy").ok());
  const Lease held = *Acquire("busy");
  Fail(first.key, kTrainerCrashed);
  int woken = 0;
  const auto waiting = engine().waiters().Add("w", [&] { ++woken; });
  for (int i = 0; i < 5; ++i) {
    PassTime(absl::Seconds(10));
    Heartbeat("w", {});
    Heartbeat("busy", {held.key});
    EXPECT_FALSE(Acquire("w").has_value());
    EXPECT_EQ(Get("j").reason, "AvoidsWorker");
  }
  woken = 0;
  PassTime(absl::Seconds(12));
  EXPECT_EQ(woken, 1);
  EXPECT_EQ(Acquire("w")->key.job_id, "j");
  EXPECT_TRUE(Get("j").avoids.empty());
}

TEST_F(BlameTest, ADrainIsNoReasonToAvoidTheWorker) {
  SubmitJob("j");
  const Lease first = LeaseFirst();
  ASSERT_TRUE(Register("other").ok());
  Fail(first.key, kWorkerDraining);
  EXPECT_EQ(Acquire("w")->key.job_id, "j");
}

TEST_F(BlameTest, AWorkerThatCallsItselfUnhealthyGetsNothingUntilItIsWell) {
  SubmitJob("j");
  ASSERT_TRUE(Register("w").ok());
  ASSERT_TRUE(engine().leases().Heartbeat("w", "i1", {}, {7, "no room in /runs"}).ok());
  EXPECT_FALSE(Acquire("w").has_value());
  EXPECT_EQ(Worker("w").unhealthy, "no room in /runs");
  EXPECT_EQ(engine().queries().Stats()->workers.at(WorkerState::kUnhealthy), 1);
  int woken = 0;
  const auto waiting = engine().waiters().Add("w", [&] { ++woken; });
  ASSERT_TRUE(engine().leases().Heartbeat("w", "i1", {}, {7, ""}).ok());
  EXPECT_EQ(woken, 1);
  EXPECT_TRUE(Acquire("w").has_value());
}

TEST_F(BlameTest, AnEndOnAWorkerThatCallsItselfUnhealthyIsNoBenching) {
  SubmitJob("j");
  LeaseFirst();
  ASSERT_TRUE(engine().leases().Heartbeat("w", "i1", {}, {7, "no room in /runs"}).ok());
  ASSERT_TRUE(engine().orders().Cancel({"j"}).ok());
  EXPECT_EQ(observer_.benched, 0);
}

TEST_F(BlameTest, AWorkerThatIsMendedIsTriedAgainAtOnce) {
  SubmitJob("j");
  const Lease lease = LeaseFirst();
  ASSERT_TRUE(engine().leases().Heartbeat("w", "i1", {lease.key}, {7, "no room in /runs"}).ok());
  Fail(lease.key, kWorkerUnfit);
  ASSERT_TRUE(engine().leases().Heartbeat("w", "i1", {}, {7, "no room in /runs"}).ok());
  EXPECT_FALSE(Acquire("w").has_value());
  ASSERT_TRUE(engine().leases().Heartbeat("w", "i1", {}, {7, ""}).ok());
  EXPECT_TRUE(Acquire("w").has_value());
}

TEST_F(BlameTest, EachEndHasItsOwnReason) {
  PushInputs();
  NewJob request = Request("j");
  request.spec.time_limit_seconds = 60;
  Submit(request);
  const Lease lease = LeaseFirst();
  Fail(lease.key, kTimeLimit, "it has trained for 60 s");
  const Job job = Get("j");
  EXPECT_EQ(job.state, JobState::kFailed) << "the job's own limit, whatever the worker calls it";
  EXPECT_EQ(job.reason, kTimeLimit);
}

// A restart keeps what a job has left, and what it waits, as durations.
TEST_F(BlameTest, BudgetsAndDelaysLiveOnThroughARestart) {
  SubmitJob("j", /*retries=*/2);
  Fail(LeaseFirst().key, kTrainerCrashed);
  clock_.JumpWall(absl::Hours(-24));
  Reopen();
  Heartbeat("w", {});
  EXPECT_EQ(Get("j").budget.retries_used, 1);
  EXPECT_EQ(Get("j").reason, "RetryDelay");
  EXPECT_FALSE(Acquire("w").has_value());
  clock_.JumpWall(absl::Hours(48));
  EXPECT_FALSE(Acquire("w").has_value()) << "a wall clock that jumps changes nothing";
  PassTime(absl::Seconds(1));
  EXPECT_TRUE(Acquire("w").has_value());
}

TEST_F(BlameTest, TheTimeLimitCountsOnlyTimeInWhichItIsHeld) {
  PushInputs();
  NewJob request = Request("limited");
  request.spec.time_limit_seconds = 100;
  Submit(request);
  const Lease first = LeaseFirst();
  EXPECT_EQ(first.time_limit_seconds, 100);
  ASSERT_TRUE(engine().reports().ReportEvents(first.key, 1, {Started(10)}).ok());
  PassTime(absl::Seconds(20));
  Fail(first.key, kWorkerDraining);
  clock_.JumpWall(absl::Hours(24));
  PassTime(absl::Seconds(1000));
  EXPECT_EQ(Next("w").time_limit_seconds, 80);
}

TEST_F(BlameTest, SilenceBeforeAHostIsLostIsNoTraining) {
  PushInputs();
  NewJob request = Request("limited");
  request.spec.time_limit_seconds = 100;
  Submit(request);
  const Lease first = LeaseFirst();
  ASSERT_TRUE(engine().reports().ReportEvents(first.key, 1, {Started(10)}).ok());
  PassTime(absl::Seconds(5));
  ASSERT_TRUE(engine().reports().ReportEvents(first.key, 2, {EngineTest::Step(1)}).ok());
  PassTime(absl::Seconds(60));  // nothing is heard of the worker
  ASSERT_TRUE(Register("w", "i2").ok());
  EXPECT_EQ(Acquire("w", "", "i2")->time_limit_seconds, 95);
}

}  // namespace
}  // namespace tune::server
