// Leases, their end by time, by a new process, by cancel; and restarts of the scheduler.
#include "server/engine/leases.h"

#include <gmock/gmock.h>

#include <functional>

#include "base/field_errors.h"
#include "server/core/errors.h"
#include "tests/unit/server/engine/engine_fixture.h"

namespace tune::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class LeasesTest : public EngineTest {
 protected:
  absl::Status Report(const LeaseKey& key) {
    return engine().reports().ReportEvents(key, 1, {Started(10)}).status();
  }
};

TEST_F(LeasesTest, ALeaseRaisesTheEpochAndHasAllThatIsNeeded) {
  SubmitJob("j");
  const Lease lease = LeaseFirst();
  EXPECT_EQ(lease.key, (LeaseKey{"j", 1}));
  EXPECT_EQ(lease.attempt, 1);
  EXPECT_FALSE(lease.model_files.empty());
  ASSERT_EQ(lease.datasets.size(), 1u);
  EXPECT_EQ(lease.datasets[0].file.path, "d.jsonl");
  EXPECT_FALSE(lease.resume_from.has_value());
  const Job job = Get("j");
  EXPECT_EQ(job.state, JobState::kLeased);
  EXPECT_EQ(job.worker_id, "w");
  EXPECT_EQ(job.epoch, 1);
  EXPECT_EQ(observer_.started.at(0).first, "first");
}

TEST_F(LeasesTest, ARepeatedRequestGetsTheSameLeaseWhileItLives) {
  SubmitJob("a");
  SubmitJob("b");
  ASSERT_TRUE(Register("w", "i1", 2).ok());
  const auto first = Acquire("w", "r1");
  EXPECT_EQ(Acquire("w", "r1")->key, first->key);
  EXPECT_EQ(Get("a").attempt, 1);
  EXPECT_EQ(Acquire("w", "r2")->key.job_id, "b");
  ASSERT_TRUE(engine().orders().Cancel({"a"}).ok());
  EXPECT_FALSE(Acquire("w", "r1").has_value());
}

TEST_F(LeasesTest, JobsGoByPriorityAndFit) {
  PushInputs();
  NewJob request = Request("cuda");
  request.spec.priority = 9;
  request.spec.resources.device = "cuda";
  Submit(request);
  request = Request("low");
  Submit(request);
  request = Request("high");
  request.spec.priority = 5;
  Submit(request);
  ASSERT_TRUE(Register("cpu").ok());
  EXPECT_EQ(Acquire("cpu")->key.job_id, "high");
  EXPECT_FALSE(Acquire("cpu").has_value());
  ASSERT_TRUE(Register("gpu", "i1", 2).ok());
  EXPECT_EQ(Acquire("gpu")->key.job_id, "cuda");
  EXPECT_EQ(Acquire("gpu")->key.job_id, "low");
}

TEST_F(LeasesTest, AnUnknownProcessGetsNothing) {
  SubmitJob("j");
  const auto unregistered = engine().scheduler().AcquireLease("w", "i1", "r");
  EXPECT_EQ(unregistered.status().code(), absl::StatusCode::kFailedPrecondition);
  ASSERT_TRUE(Register("w").ok());
  EXPECT_FALSE(engine().scheduler().AcquireLease("w", "other", "r").ok());
  EXPECT_FALSE(engine().leases().Heartbeat("w", "other", {}, {}).ok());
}

TEST_F(LeasesTest, HeartbeatsKeepALeaseAndItsAbsenceEndsIt) {
  SubmitJob("j");
  const Lease lease = LeaseFirst();
  for (int i = 0; i < 10; ++i) {
    PassTime(absl::Seconds(10));
    EXPECT_THAT(Heartbeat("w", {lease.key}), IsEmpty());
  }
  PassTime(absl::Seconds(29));
  EXPECT_EQ(Get("j").state, JobState::kLeased);
  PassTime(absl::Seconds(1));
  const Job job = Get("j");
  EXPECT_EQ(job.state, JobState::kQueued);
  EXPECT_EQ(job.epoch, 1) << "the worker may come back to it";
  EXPECT_EQ(job.attempts.at(0).result, "WorkerLost");
  EXPECT_EQ(job.attempts.at(0).end_time, clock_.Now());
  EXPECT_EQ(observer_.expired, 1);
}

TEST_F(LeasesTest, AHeartbeatThatLeavesALeaseOutDoesNotKeepIt) {
  SubmitJob("j");
  LeaseFirst();
  for (int i = 0; i < 4; ++i) {
    PassTime(absl::Seconds(10));
    Heartbeat("w", {});
  }
  EXPECT_EQ(Get("j").state, JobState::kQueued);
  EXPECT_EQ(engine().queries().GetWorker("w")->state, WorkerState::kIdle);
}

TEST_F(LeasesTest, AZombieIsRefusedEverywhere) {
  SubmitJob("j");
  const Lease zombie = LeaseFirst();
  ASSERT_TRUE(Report(zombie.key).ok());
  PassTime(absl::Seconds(31));
  ASSERT_TRUE(Register("other").ok());
  const auto lease = Acquire("other");
  ASSERT_TRUE(lease.has_value());
  EXPECT_EQ(lease->key.epoch, 2);
  EXPECT_EQ(lease->attempt, 2);
  EXPECT_THAT(Heartbeat("w", {zombie.key}), ElementsAre(zombie.key));
  EXPECT_TRUE(IsStaleEpoch(Report(zombie.key)));
  EXPECT_TRUE(IsStaleEpoch(engine().reports().AppendLogs(zombie.key, 0, "x").status()));
  EXPECT_TRUE(IsStaleEpoch(Commit(zombie.key, 1).status()));
  EXPECT_TRUE(IsStaleEpoch(engine().reports().FinishAttempt(zombie.key, {})));
  EXPECT_TRUE(IsStaleEpoch(Report({"j", 4})));
  EXPECT_TRUE(Report(lease->key).ok());
  EXPECT_EQ(Get("j").attempts.at(1).last_report_seq, 1);
  EXPECT_EQ(observer_.started.at(1).first, "nobody");
}

// Where nobody has had the job since, hours of training go on instead of being trained again.
TEST_F(LeasesTest, AWorkerThatWasAwayGoesOnWithAnyOfItsCalls) {
  SubmitJob("j");
  const LeaseKey key = LeaseFirst().key;
  ASSERT_TRUE(Report(key).ok());
  const std::vector<std::function<void()>> calls = {
      [&] { EXPECT_THAT(Heartbeat("w", {key}), IsEmpty()); },
      [&] { EXPECT_TRUE(engine().reports().ReportEvents(key, 2, {Step(1)}).ok()); },
      [&] { EXPECT_TRUE(Commit(key, 1).ok()); },
      [&] { EXPECT_TRUE(engine().reports().AppendLogs(key, 0, "x").ok()); },
  };
  for (size_t call = 0; call < calls.size(); ++call) {
    PassTime(absl::Seconds(40));
    ASSERT_EQ(Get("j").state, JobState::kQueued) << call;
    calls[call]();
    EXPECT_THAT(Heartbeat("w", {key}), IsEmpty());
    const Job job = Get("j");
    EXPECT_EQ(job.state, JobState::kRunning) << call;
    EXPECT_EQ(job.attempt, 1);
    EXPECT_EQ(job.reason, "");
    EXPECT_EQ(job.attempts.at(0).result, "Running");
    EXPECT_EQ(engine().queries().GetWorker("w")->state, WorkerState::kBusy);
  }
  EXPECT_EQ(observer_.started.size(), 1u);
}

TEST_F(LeasesTest, ARunThatEndedWhileItsWorkerWasAwayCounts) {
  SubmitJob("j");
  const LeaseKey key = LeaseFirst().key;
  ASSERT_TRUE(Report(key).ok());
  PassTime(absl::Seconds(40));
  ASSERT_TRUE(Commit(key, 10, /*final=*/true).ok());
  PassTime(absl::Seconds(40));
  EXPECT_TRUE(engine().reports().FinishAttempt(key, {Outcome::kSucceeded}).ok());
  EXPECT_EQ(Get("j").state, JobState::kSucceeded);
  EXPECT_EQ(engine().queries().GetWorker("w")->job_ids.size(), 0u);
  EXPECT_TRUE(IsStaleEpoch(Report(key)));
}

TEST_F(LeasesTest, AnEndThatWasToldIsNotUndone) {
  SubmitJob("j");
  const LeaseKey key = LeaseFirst().key;
  ASSERT_TRUE(engine().reports().FinishAttempt(key, {Outcome::kFailedRetryable, "Internal"}).ok());
  EXPECT_TRUE(IsStaleEpoch(Report(key)));
  EXPECT_THAT(Heartbeat("w", {key}), ElementsAre(key));
  EXPECT_EQ(Get("j").state, JobState::kQueued);
}

TEST_F(LeasesTest, ALostRunWhosePlaceWasGivenAwayIsOver) {
  SubmitJob("lost");
  const LeaseKey key = LeaseFirst().key;
  PassTime(absl::Seconds(40));
  NewJob request = Request("next");
  request.spec.priority = 9;
  Submit(request);
  ASSERT_EQ(Acquire("w")->key.job_id, "next");
  EXPECT_TRUE(IsStaleEpoch(Report(key)));
  EXPECT_THAT(Heartbeat("w", {key}), ElementsAre(key));
}

TEST_F(LeasesTest, AnEarlierAttemptsLogIsRefusedThoughTheLastOneWasLostToo) {
  SubmitJob("j");
  const LeaseKey first = LeaseFirst().key;
  PassTime(absl::Seconds(40));
  ASSERT_TRUE(Register("other").ok());
  const LeaseKey second = Acquire("other")->key;
  PassTime(absl::Seconds(40));
  EXPECT_TRUE(IsStaleEpoch(engine().reports().AppendLogs(first, 0, "x").status()));
  EXPECT_TRUE(engine().reports().AppendLogs(second, 0, "x").ok());
}

TEST_F(LeasesTest, ALostWorkerCostsNoRetry) {
  SubmitJob("j", /*retries=*/0);
  LeaseFirst();
  PassTime(absl::Seconds(30));
  const Job job = Get("j");
  EXPECT_EQ(job.state, JobState::kQueued);
  EXPECT_EQ(job.budget, (Budget{.retries_used = 0, .disruptions = 1}));
  EXPECT_THAT(job.message, HasSubstr("no heartbeat for 30s"));
  EXPECT_TRUE(observer_.finished.empty());
}

// Stopped (SIGSTOP) or suspended: nobody could be heard, and the ticker did not run.
TEST_F(LeasesTest, AStallOfOursIsNotTheWorkers) {
  SubmitJob("j");
  const Lease lease = LeaseFirst();
  for (const absl::Duration stall :
       {absl::Seconds(10), absl::Seconds(29), absl::Seconds(31), absl::Hours(10)}) {
    PassTime(absl::Seconds(20));
    clock_.Advance(stall);
    ASSERT_TRUE(engine().leases().ExpireDue().ok());
    PassTime(absl::Seconds(8));
    EXPECT_EQ(Get("j").state, JobState::kLeased) << stall;
    EXPECT_THAT(Heartbeat("w", {lease.key}), IsEmpty()) << stall;
  }
  PassTime(absl::Seconds(30));
  EXPECT_EQ(Get("j").state, JobState::kQueued);
}

TEST_F(LeasesTest, AStallLongerThanAShortLeaseIsSeenAsOne) {
  Reopen({.ttl = absl::Seconds(3), .heartbeat_interval = absl::Milliseconds(500)});
  SubmitJob("j");
  const Lease lease = LeaseFirst();
  clock_.Advance(absl::Milliseconds(3500));
  ASSERT_TRUE(engine().leases().ExpireDue().ok());
  EXPECT_EQ(Get("j").state, JobState::kLeased);
  EXPECT_THAT(Heartbeat("w", {lease.key}), IsEmpty());
}

TEST_F(LeasesTest, AStallMakesNobodyDeadBeforeTheFirstTickAfterIt) {
  SubmitJob("j");
  LeaseFirst();
  clock_.Advance(absl::Hours(1));
  EXPECT_EQ(engine().queries().GetWorker("w")->state, WorkerState::kBusy);
}

TEST_F(LeasesTest, TheWallClockExpiresNothing) {
  SubmitJob("j");
  LeaseFirst();
  for (const absl::Duration jump : {absl::Hours(24), -absl::Hours(48)}) {
    clock_.JumpWall(jump);
    ASSERT_TRUE(engine().leases().ExpireDue().ok());
    EXPECT_EQ(Get("j").state, JobState::kLeased);
  }
}

TEST_F(LeasesTest, LeasesLiveOnThroughARestartOfTheScheduler) {
  SubmitJob("j");
  const Lease lease = LeaseFirst();
  ASSERT_TRUE(Report(lease.key).ok());
  PassTime(absl::Seconds(29));
  Reopen();
  PassTime(absl::Seconds(20));
  EXPECT_THAT(Heartbeat("w", {lease.key}), IsEmpty());
  EXPECT_TRUE(engine().reports().ReportEvents(lease.key, 2, {Step(1)}).ok());
  EXPECT_EQ(Get("j").state, JobState::kRunning);
  PassTime(absl::Seconds(30));
  EXPECT_EQ(Get("j").state, JobState::kQueued);
}

TEST_F(LeasesTest, ARepeatedRequestGetsItsLeaseAfterARestartToo) {
  SubmitJob("j");
  ASSERT_TRUE(Register("w").ok());
  const auto lease = Acquire("w", "r1");
  Reopen();
  EXPECT_EQ(Acquire("w", "r1")->key, lease->key);
}

TEST_F(LeasesTest, ANewProcessEndsTheLeasesOfTheOldOneAtOnce) {
  SubmitJob("j");
  const Lease lease = LeaseFirst();
  int woken = 0;
  const auto waiting = engine().waiters().Add("w", [&] { ++woken; });
  ASSERT_TRUE(Register("w", "i2").ok());
  EXPECT_GE(woken, 1);
  const Job job = Get("j");
  EXPECT_EQ(job.state, JobState::kQueued);
  EXPECT_THAT(job.attempts.at(0).message, HasSubstr("workers/w started anew"));
  EXPECT_FALSE(engine().leases().Heartbeat("w", "i1", {lease.key}, {}).ok());
  EXPECT_EQ(Acquire("w", "", "i2")->attempt, 2);
}

TEST_F(LeasesTest, TheSameProcessMayRegisterAgain) {
  SubmitJob("j");
  const Lease lease = LeaseFirst();
  ASSERT_TRUE(Register("w", "i1").ok());
  EXPECT_EQ(Get("j").state, JobState::kLeased);
  EXPECT_THAT(Heartbeat("w", {lease.key}), IsEmpty());
}

TEST_F(LeasesTest, ABadRegistrationNamesTheField) {
  const absl::Status status = Register("Bad", "");
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()),
              testing::AllOf(HasSubstr("worker_id"), HasSubstr("incarnation")));
}

TEST_F(LeasesTest, CancelIsImmediateAndTheWorkerLearnsByItsNextCall) {
  SubmitJob("j");
  const Lease lease = LeaseFirst();
  ASSERT_TRUE(Report(lease.key).ok());
  const Job job = *engine().orders().Cancel({"j", "wrong data"});
  EXPECT_EQ(job.state, JobState::kCancelled);
  EXPECT_EQ(job.epoch, 2);
  EXPECT_EQ(job.reason, "Cancelled");
  EXPECT_EQ(job.message, "wrong data");
  EXPECT_THAT(Heartbeat("w", {lease.key}), ElementsAre(lease.key));
  EXPECT_TRUE(IsStaleEpoch(Report(lease.key)));
  EXPECT_EQ(Get("j").attempts.at(0).result, "Cancelled");
  EXPECT_EQ(engine().orders().Cancel({"j", "again"})->message, "wrong data");
  EXPECT_EQ(observer_.finished.size(), 1u);
}

TEST_F(LeasesTest, CancelOfAQueuedJobAndOfNone) {
  SubmitJob("j");
  ASSERT_TRUE(engine().orders().Cancel({"j"}).ok());
  ASSERT_TRUE(Register("w").ok());
  EXPECT_FALSE(Acquire("w").has_value());
  EXPECT_EQ(engine().orders().Cancel({"none"}).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(LeasesTest, WorkersShowTheirState) {
  SubmitJob("j");
  const Lease lease = LeaseFirst();
  ASSERT_TRUE(Register("idle").ok());
  PassTime(absl::Seconds(10));
  Heartbeat("w", {lease.key});
  WorkerRecord worker = *engine().queries().GetWorker("w");
  EXPECT_EQ(worker.state, WorkerState::kBusy);
  EXPECT_THAT(worker.job_ids, ElementsAre("j"));
  EXPECT_EQ(worker.heartbeat_time, clock_.Now());
  EXPECT_EQ(worker.resources.free_disk_bytes, 7);
  PassTime(absl::Seconds(20));
  const auto stats = *engine().queries().Stats();
  EXPECT_EQ(stats.workers.at(WorkerState::kBusy), 1);
  EXPECT_EQ(stats.workers.at(WorkerState::kLost), 1);
  EXPECT_EQ(stats.jobs.at(JobState::kLeased), 1);
  EXPECT_EQ(stats.jobs.at(JobState::kQueued), 0);
  EXPECT_GT(stats.store_size_bytes, 0);
  EXPECT_EQ(engine().queries().ListWorkers({1, ""})->items.at(0).id, "idle");
}

TEST_F(LeasesTest, OneSchedulerPerDataFolder) {
  const auto second = Engine::Open(folder_ / "data", clock_, observer_);
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("lock"));
  EXPECT_TRUE(engine().Ready().ok());
}

TEST_F(LeasesTest, WhyAWorkerIsUnhealthyIsRepairedAndCut) {
  WorkerRecord worker;
  worker.id = "w";
  worker.incarnation = "i1";
  worker.unhealthy = "no room\xff " + std::string(2000, '.');
  ASSERT_TRUE(engine().leases().RegisterWorker({worker, {}}).ok());
  const auto shown = [&] { return engine().queries().GetWorker("w")->unhealthy; };
  EXPECT_EQ(shown().substr(0, 10), "no room\xEF\xBF\xBD");
  EXPECT_EQ(shown().size(), 1024u);
  std::string euros;
  for (int i = 0; i < 1000; ++i) euros += "€";
  ASSERT_TRUE(engine().leases().Heartbeat("w", "i1", {}, {0, euros}).ok());
  EXPECT_EQ(shown(), euros.substr(0, 1023)) << "not cut at a character";
}

TEST_F(LeasesTest, WhatAWorkerIsCalledIsShortUtf8) {
  WorkerRecord worker;
  worker.id = "w";
  worker.incarnation = "i1";
  worker.installation = std::string(129, 'x');
  worker.trainer_version = "\xff";
  worker.spec_fields = {"epochs", "\xff"};
  const auto errors = FieldErrorsOf(engine().leases().RegisterWorker({worker, {}}).status());
  std::vector<std::string> fields;
  for (const FieldError& error : errors) fields.push_back(error.field);
  EXPECT_THAT(fields, ElementsAre("installation", "trainer_version", "spec_fields[1]"));
}

}  // namespace
}  // namespace tune::server
