// Two workers of one name, and one that was started anew.
#include <gmock/gmock.h>

#include "tests/unit/server/engine/engine_fixture.h"

namespace tune::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class RegistrationTest : public EngineTest {
 protected:
  absl::StatusOr<std::vector<LeaseKey>> Start(const std::string& incarnation,
                                              const std::string& installation,
                                              const std::vector<LeaseKey>& running = {}) {
    WorkerRecord worker;
    worker.id = "w";
    worker.incarnation = incarnation;
    worker.installation = installation;
    worker.spec_fields = AllSpecFields();
    worker.resources.host_memory_bytes = int64_t{8} << 30;
    return engine().leases().RegisterWorker({worker, running});
  }
  absl::Status Report(const LeaseKey& key, int64_t seq) {
    return engine().reports().ReportEvents(key, seq, {Step(seq)}).status();
  }
};

TEST_F(RegistrationTest, ANewcomerIsRefusedWhileTheFirstOfTheNameLives) {
  SubmitJob("j");
  ASSERT_TRUE(Start("i1", "home").ok());
  const Lease lease = *Acquire("w");
  for (int i = 0; i < 4; ++i) {
    const absl::Status refused = Start("i2", "elsewhere").status();
    EXPECT_EQ(refused.code(), absl::StatusCode::kAlreadyExists);
    EXPECT_EQ(refused.GetPayload("tune/reason"), absl::Cord("NAME_IN_USE"));
    EXPECT_THAT(std::string(refused.message()), HasSubstr("--name"));
    PassTime(absl::Seconds(10));
    EXPECT_THAT(Heartbeat("w", {lease.key}), IsEmpty());
  }
  EXPECT_EQ(Get("j").state, JobState::kLeased);
  EXPECT_EQ(Get("j").attempt, 1);
}

TEST_F(RegistrationTest, TheNameIsFreeOnceTheFirstIsLost) {
  ASSERT_TRUE(Start("i1", "home").ok());
  PassTime(absl::Seconds(31));
  EXPECT_TRUE(Start("i2", "elsewhere").ok());
}

TEST_F(RegistrationTest, AWorkerThatLeavesFreesItsNameAndItsJobsAtOnce) {
  SubmitJob("j");
  ASSERT_TRUE(Start("i1", "home").ok());
  ASSERT_TRUE(Acquire("w").has_value());
  ASSERT_TRUE(engine().leases().Leave("w", "i1").ok());
  EXPECT_TRUE(absl::IsNotFound(engine().queries().GetWorker("w").status()));
  EXPECT_EQ(Get("j").reason, "NoWorker");
  EXPECT_THAT(Get("j").message, HasSubstr("workers/w has ended"));
  EXPECT_TRUE(Start("i2", "elsewhere").ok());
  EXPECT_FALSE(engine().leases().Leave("w", "i1").ok())
      << "it is not the one of that name any more";
  EXPECT_TRUE(engine().queries().GetWorker("w").ok());
}

TEST_F(RegistrationTest, ARecordedWorkerIsUnknownUntilItIsHeardOf) {
  SubmitJob("j");
  ASSERT_TRUE(Start("i1", "home").ok());
  Reopen();
  EXPECT_EQ(engine().queries().GetWorker("w")->state, WorkerState::kUnknown);
  EXPECT_EQ(engine().queries().Stats()->workers.at(WorkerState::kIdle), 0);
  EXPECT_EQ(engine().queries().Stats()->workers.at(WorkerState::kUnknown), 1);
  EXPECT_THAT(Get("j").message, HasSubstr("not been heard of since the scheduler started"));
  EXPECT_FALSE(Start("i2", "elsewhere").ok()) << "the first may be alive";
  Heartbeat("w", {});
  EXPECT_EQ(engine().queries().GetWorker("w")->state, WorkerState::kIdle);
  Reopen();
  PassTime(absl::Seconds(31));
  EXPECT_EQ(engine().queries().GetWorker("w")->state, WorkerState::kLost);
}

TEST_F(RegistrationTest, ARestartedWorkerTakesUpWhatStillRuns) {
  SubmitJob("j");
  ASSERT_TRUE(Start("i1", "home").ok());
  const Lease lease = *Acquire("w");
  ASSERT_TRUE(Report(lease.key, 1).ok());
  EXPECT_THAT(*Start("i2", "home", {lease.key}), IsEmpty());
  EXPECT_TRUE(Report(lease.key, 2).ok());
  for (int i = 0; i < 4; ++i) {
    PassTime(absl::Seconds(10));
    EXPECT_THAT(Heartbeat("w", {lease.key}, "i2"), IsEmpty());
  }
  const Job job = Get("j");
  EXPECT_EQ(job.state, JobState::kRunning);
  EXPECT_EQ(job.attempt, 1);
  EXPECT_EQ(job.epoch, lease.key.epoch);
  EXPECT_FALSE(engine().leases().Heartbeat("w", "i1", {lease.key}, {}).ok());
}

TEST_F(RegistrationTest, ARestartedWorkerTakesUpWhatRanOutWhileItWasAway) {
  SubmitJob("j");
  ASSERT_TRUE(Start("i1", "home").ok());
  const Lease lease = *Acquire("w");
  ASSERT_TRUE(Report(lease.key, 1).ok());
  PassTime(absl::Seconds(80));
  ASSERT_EQ(Get("j").state, JobState::kQueued);
  EXPECT_THAT(*Start("i2", "home", {lease.key}), IsEmpty());
  EXPECT_EQ(Get("j").state, JobState::kRunning);
  EXPECT_TRUE(Report(lease.key, 2).ok());
  PassTime(absl::Seconds(20));
  EXPECT_THAT(Heartbeat("w", {lease.key}, "i2"), IsEmpty());
  PassTime(absl::Seconds(20));
  EXPECT_EQ(Get("j").attempt, 1);
  EXPECT_EQ(Get("j").state, JobState::kRunning);
}

TEST_F(RegistrationTest, ARestartedWorkerStopsWhatWentElsewhereMeanwhile) {
  SubmitJob("j");
  ASSERT_TRUE(Start("i1", "home").ok());
  const Lease lease = *Acquire("w");
  PassTime(absl::Seconds(40));
  ASSERT_TRUE(Register("other").ok());
  ASSERT_TRUE(Acquire("other").has_value());
  EXPECT_THAT(*Start("i2", "home", {lease.key}), ElementsAre(lease.key));
  EXPECT_EQ(Get("j").worker_id, "other");
}

TEST_F(RegistrationTest, WhatARestartedWorkerHoldsLivesThroughARestartOfTheScheduler) {
  SubmitJob("j");
  ASSERT_TRUE(Start("i1", "home").ok());
  const Lease lease = *Acquire("w");
  ASSERT_TRUE(Start("i2", "home", {lease.key}).ok());
  Reopen();
  EXPECT_THAT(Heartbeat("w", {lease.key}, "i2"), IsEmpty());
  EXPECT_FALSE(Start("i3", "elsewhere").ok()) << "it is remembered whose name this is";
}

TEST_F(RegistrationTest, WhatDoesNotRunAnyMoreEndsAtOnceAndCostsNoRetry) {
  SubmitJob("j", /*retries=*/0);
  ASSERT_TRUE(Start("i1", "home").ok());
  const Lease lease = *Acquire("w");
  ASSERT_TRUE(Start("i2", "home").ok());
  const Job job = Get("j");
  EXPECT_EQ(job.state, JobState::kQueued);
  EXPECT_EQ(job.attempts.at(0).result, "WorkerLost");
  EXPECT_EQ(job.budget.retries_used, 0);
}

TEST_F(RegistrationTest, WhatHasEndedMeanwhileIsToldSo) {
  SubmitJob("j");
  ASSERT_TRUE(Start("i1", "home").ok());
  const Lease lease = *Acquire("w");
  ASSERT_TRUE(engine().orders().Cancel({"j"}).ok());
  EXPECT_THAT(*Start("i2", "home", {lease.key}), ElementsAre(lease.key));
}

// The database of an earlier release knows no installation.
TEST_F(RegistrationTest, AWorkerThatWasUpgradedMayComeBack) {
  ASSERT_TRUE(Start("i1", "").ok());
  EXPECT_TRUE(Start("i2", "home").ok());
  EXPECT_FALSE(Start("i3", "elsewhere").ok());
}

}  // namespace
}  // namespace tune::server
