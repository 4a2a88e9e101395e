#include "server/engine/cordons.h"

#include <gmock/gmock.h>

#include "tests/unit/server/engine/engine_fixture.h"

namespace tune::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class CordonsTest : public EngineTest {
 protected:
  absl::StatusOr<WorkerRecord> Cordon(const std::string& worker) {
    return engine().cordons().Cordon({worker, "new disk", "alice"});
  }
};

TEST_F(CordonsTest, ACordonedWorkerGetsNoJobAndKeepsItsOwn) {
  SubmitJob("held");
  const Lease lease = LeaseFirst();
  ASSERT_TRUE(Register("other").ok());
  const auto cordoned = Cordon("w");
  ASSERT_TRUE(cordoned.ok()) << cordoned.status();
  EXPECT_EQ(cordoned->state, WorkerState::kCordoned);
  EXPECT_THAT(cordoned->job_ids, ElementsAre("held"));
  EXPECT_TRUE(engine().leases().Yielding({lease.key}).empty());
  ASSERT_TRUE(Commit(lease.key, 10, true).ok());
  ASSERT_TRUE(engine().reports().ReportEvents(lease.key, 1, {Started(10)}).ok());
  ASSERT_TRUE(engine().reports().FinishAttempt(lease.key, {Outcome::kSucceeded}).ok());
  SubmitJob("next");
  EXPECT_FALSE(Acquire("w").has_value());
  EXPECT_TRUE(Acquire("other").has_value());
  EXPECT_EQ(engine().queries().Stats()->workers.at(WorkerState::kCordoned), 1);
}

TEST_F(CordonsTest, AJobSaysThatItWaitsForACordonedWorker) {
  SubmitJob("j");
  ASSERT_TRUE(Register("w").ok());
  ASSERT_TRUE(Cordon("w").ok());
  const Job job = Get("j");
  EXPECT_EQ(job.reason, "WorkersCordoned");
  EXPECT_THAT(job.message, HasSubstr("workers/w is cordoned by alice: new disk"));
  EXPECT_THAT(job.message, HasSubstr("tunectl workers uncordon w"));
}

TEST_F(CordonsTest, ACordonOutlastsTheWorkerAndTheScheduler) {
  SubmitJob("j");
  ASSERT_TRUE(Register("w").ok());
  ASSERT_TRUE(Cordon("w").ok());
  ASSERT_TRUE(engine().leases().Leave("w", "i1").ok());
  Reopen();
  ASSERT_TRUE(Register("w", "i2").ok());
  EXPECT_FALSE(Acquire("w", "", "i2").has_value());
  EXPECT_EQ(engine().queries().GetWorker("w")->cordon->reason, "new disk");
  ASSERT_TRUE(engine().cordons().Uncordon({"w"}).ok());
  EXPECT_TRUE(Acquire("w", "", "i2").has_value());
  EXPECT_FALSE(engine().queries().GetWorker("w")->cordon.has_value());
}

TEST_F(CordonsTest, ADrainedWorkerLetsGoOfItsJobsAtNoCostToThem) {
  SubmitJob("j");
  const Lease lease = LeaseFirst();
  ASSERT_TRUE(engine().cordons().Cordon({"w", "new disk", "alice", /*yield=*/true}).ok());
  EXPECT_THAT(engine().leases().Yielding({lease.key}), ElementsAre(lease.key));
  EXPECT_EQ(Get("j").reason, "WorkerDraining");
  EXPECT_EQ(Events("j").back().user, "alice");
  ASSERT_TRUE(Commit(lease.key, 5).ok());
  ASSERT_TRUE(
      engine().reports().FinishAttempt(lease.key, {Outcome::kFailedRetryable, "Yielded", ""}).ok());
  const Job job = Get("j");
  EXPECT_EQ(job.state, JobState::kQueued);
  EXPECT_EQ(job.budget, Budget());
  EXPECT_EQ(job.attempts[0].result, "WorkerDraining");
  EXPECT_EQ(job.attempts[0].message, "workers/w is drained: new disk");
  ASSERT_TRUE(Register("other").ok());
  EXPECT_EQ(Acquire("other")->resume_from->step, 5);
}

TEST_F(CordonsTest, AJobThatPausesOnADrainedWorkerIsPaused) {
  SubmitJob("j");
  const Lease lease = LeaseFirst();
  ASSERT_TRUE(engine().orders().Pause({"j"}).ok());
  ASSERT_TRUE(engine().cordons().Cordon({"w", "", "", /*yield=*/true}).ok());
  ASSERT_TRUE(
      engine().reports().FinishAttempt(lease.key, {Outcome::kFailedRetryable, "Yielded", ""}).ok());
  EXPECT_EQ(Get("j").state, JobState::kPaused);
}

TEST_F(CordonsTest, AWorkerThatWaitsIsWokenWhenItIsUncordoned) {
  SubmitJob("j");
  ASSERT_TRUE(Register("w").ok());
  ASSERT_TRUE(Cordon("w").ok());
  int calls = 0;
  const auto waiter = engine().waiters().Add("w", [&] { ++calls; });
  SubmitJob("another");
  EXPECT_EQ(calls, 0) << "nobody calls a cordoned worker";
  ASSERT_TRUE(engine().cordons().Uncordon({"w"}).ok());
  EXPECT_EQ(calls, 1);
}

TEST_F(CordonsTest, ARehearsalCordonsNobody) {
  SubmitJob("j");
  ASSERT_TRUE(Register("w").ok());
  const auto worker = engine().cordons().Cordon({"w", "", "", true, /*validate_only=*/true});
  ASSERT_TRUE(worker.ok()) << worker.status();
  EXPECT_EQ(worker->state, WorkerState::kCordoned);
  EXPECT_TRUE(Acquire("w").has_value());
}

TEST_F(CordonsTest, ANameWithoutWorkerIsNotFound) {
  EXPECT_EQ(Cordon("w").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(engine().cordons().Uncordon({"w"}).code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace tune::server
