// What people order of a job that trains: pause, resume, cancel, retry.
#include <signal.h>

#include "tests/support/fleet_test.h"

namespace tune::testing {
namespace {

class Orders : public FleetTest {
 protected:
  void SetUp() override {
    fleet_.StartScheduler();
    fleet_.StartWorker("w");
    PushTiny();
  }
  int64_t ResumedStep(const std::string& name, int attempt) {
    const Json attempts = Job(name)["attempts"];
    return std::stoll(attempts.at(attempt).value("resumed_step", "0"));
  }
};

// The job stands still across a restart of the scheduler while its worker serves another, and ends
// with the weights of a run that nobody stopped.
TEST_F(Orders, APausedJobGoesOnWhereItStood) {
  const std::vector<std::string> fields = {"max_steps=4000", "checkpoint_every=1000000"};
  Submit("calm", fields);
  Expect({"wait", "calm"});
  Submit("paused", fields);
  AwaitStep("paused", 1);
  const RunResult told = Expect({"pause", "paused", "--reason", "a demo", "--user", "alice"});
  EXPECT_EQ(told.out, "job/paused pauses once w has written a checkpoint\n");
  Submit("other");
  Expect({"wait", "other"});
  ASSERT_EQ(Job("paused")["state"], "PAUSED") << Job("paused").dump(1) << fleet_.LogTails();
  EXPECT_NE(Job("paused").value("latest_checkpoint", ""), "");
  EXPECT_NE(Events("paused").find("a demo, by alice"), std::string::npos) << Events("paused");
  fleet_.scheduler().Signal(SIGKILL);
  fleet_.scheduler().Wait(absl::Seconds(10));
  fleet_.StartScheduler();
  EXPECT_EQ(Job("paused")["state"], "PAUSED");
  Expect({"resume", "paused"});
  Expect({"wait", "paused"});
  EXPECT_GT(ResumedStep("paused", 1), 0);
  EXPECT_EQ(PulledWeights("paused"), PulledWeights("calm"));
}

TEST_F(Orders, ARetryGoesOnFromTheLastCheckpoint) {
  Submit("job", {"max_steps=2000", "checkpoint_every=100"});
  AwaitCheckpoint("job");
  Expect({"cancel", "job"});
  Expect({"retry", "job", "--dry-run"});
  EXPECT_EQ(Job("job")["state"], "CANCELLED");
  Expect({"retry", "job"});
  Expect({"wait", "job"});
  EXPECT_GE(ResumedStep("job", 1), 100);
}

// On the scheduler's word, where it may preempt.
TEST_F(Orders, AJobMakesWayForOneOfAHigherPriority) {
  fleet_.scheduler().Signal(SIGTERM);
  fleet_.scheduler().Wait(absl::Seconds(30));
  fleet_.StartScheduler({"--preempt"});
  Submit("low", {"max_steps=3000", "checkpoint_every=1000000"});
  AwaitStep("low", 1);
  Submit("high", {"priority=5"});
  Expect({"wait", "high"});
  const Json low = Job("low");
  ASSERT_EQ(low["attempts"].at(0)["result"], "Preempted") << low.dump(1);
  Expect({"wait", "low"});
  EXPECT_GT(ResumedStep("low", 1), 0);
}

TEST_F(Orders, AUsersQuotaHoldsJobsBack) {
  Expect({"users", "quota", "ann", "--max-running", "0"});
  Expect({"submit", "-f", SourceFile("tests/support/tiny/job.yaml"), "--name", "held", "--user",
          "ann"});
  Submit("other");
  Expect({"wait", "other"});
  EXPECT_EQ(Job("held")["reason"], "QuotaReached") << Job("held").dump(1);
  EXPECT_NE(Expect({"users", "list"}).out.find("0 of 0"), std::string::npos);
  Expect({"users", "quota", "ann", "--max-running", "none"});
  Expect({"wait", "held"});
}

TEST_F(Orders, AJobWaitsForAnotherAndForAWorkerWithItsLabel) {
  Submit("first", {"max_steps=200"});
  Expect({"submit", "-f", SourceFile("tests/support/tiny/job.yaml"), "--name", "second", "--after",
          "first", "--set", "resources.worker_labels.zone=cellar"});
  EXPECT_EQ(Job("second")["reason"], "AwaitsJobs");
  Expect({"wait", "first"});
  Await([&] { return Job("second")["reason"] == "NoWorkerWithLabels"; });
  fleet_.StartWorker("v", {"--label", "zone=cellar"});
  Expect({"wait", "second"});
  EXPECT_EQ(Job("second")["worker"], "workers/v");
}

}  // namespace
}  // namespace tune::testing
