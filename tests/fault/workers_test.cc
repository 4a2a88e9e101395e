// What happens to a worker, by an operator or its machine, costs a job time and nothing else.
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/files.h"
#include "tests/support/fleet_test.h"

namespace tune::testing {
namespace {

class Workers : public FleetTest {
 protected:
  void SetUp() override {
    fleet_.StartScheduler();
    PushTiny();
  }

  void KillWorker() {
    fleet_.worker().Signal(SIGKILL);
    fleet_.worker().Wait(absl::Seconds(10));
  }

  // "good" trains "long" until it is cancelled.
  void KeepTheGoodWorkerBusy() {
    fleet_.StartWorker("good");
    Submit("long", {"max_steps=20000", "checkpoint_every=1000"});
    AwaitStep("long", 1);
  }

  // The jobs wait, or have ended well: on the worker "bad", if it found a way.
  void ExpectNoneFailed(const std::vector<std::string>& jobs) {
    for (const std::string& name : jobs) {
      const Json job = Job(name);
      EXPECT_NE(job["state"], "FAILED") << job.dump(1);
    }
  }

  // "bad" lives and can train nothing, or has mended itself.
  void ExpectJobsSurviveTheBadWorker() {
    const std::vector<std::string> jobs = {"first", "second", "third"};
    for (const std::string& job : jobs) Submit(job);
    Await([&] {
      return Worker("bad")["state"] == "UNHEALTHY" || Job("third")["state"] == "SUCCEEDED" ||
             Job("third")["state"] == "FAILED";
    });
    ExpectNoneFailed(jobs);
    if (Worker("bad")["state"] == "UNHEALTHY") {
      EXPECT_NE(Worker("bad").value("reason", ""), "") << Worker("bad").dump(1);
    }
    Expect({"cancel", "long"});
    for (const std::string& job : jobs) Expect({"wait", job});
  }
};

TEST_F(Workers, TenDrainsFailNoJob) {
  Submit("job", {"max_steps=20000", "checkpoint_every=1000"});
  int64_t step = 0;
  for (int drain = 0; drain < 10; ++drain) {
    fleet_.StartWorker("node");
    AwaitStep("job", step + 1);
    fleet_.worker().Signal(SIGTERM);
    ASSERT_EQ(fleet_.worker().Wait(absl::Seconds(30)), 0) << fleet_.LogTails();
    const Json job = Job("job");
    ASSERT_EQ(job["state"], "QUEUED") << job.dump(1);
    ASSERT_NE(job.value("latest_checkpoint", ""), "") << job.dump(1);
    step = Step("job");
  }
  EXPECT_EQ(Job("job").value("retries_left", 0), 3);
}

TEST_F(Workers, ADrainedOneGivesItsJobToAnother) {
  fleet_.StartWorker("a");
  Submit("job", {"max_steps=20000", "checkpoint_every=1000000"});
  AwaitStep("job", 1);
  fleet_.StartWorker("b");
  Expect({"workers", "drain", "a", "--now", "--reason", "new disk"});
  EXPECT_EQ(Worker("a")["state"], "CORDONED") << Worker("a").dump(1);
  Await([&] { return Job("job").value("worker", "") == "workers/b"; });
  AwaitState("job", "RUNNING");
  const Json attempts = Job("job")["attempts"];
  EXPECT_EQ(attempts.at(0)["result"], "WorkerDraining") << attempts.dump(1);
  Expect({"cancel", "job"});
  Submit("next");
  Expect({"wait", "next"});
  EXPECT_EQ(Job("next")["worker"], "workers/b");
  Expect({"workers", "uncordon", "a"});
  EXPECT_EQ(Worker("a")["state"], "IDLE");
}

TEST_F(Workers, OneWhoseTrainerCannotStartTakesNoJob) {
  KeepTheGoodWorkerBusy();
  fleet_.StartWorker("bad", {"--trainer", "/bin/false"});
  ExpectJobsSurviveTheBadWorker();
}

TEST_F(Workers, OneWhoseCacheIsGoneTakesNoJob) {
  KeepTheGoodWorkerBusy();
  fleet_.StartWorker("bad");
  Await([&] { return Worker("bad")["state"] == "IDLE"; });
  ASSERT_TRUE(RemoveAll(folder_ / "bad/cache").ok());
  ASSERT_TRUE(WriteFileDurably(folder_ / "bad/cache", "no folder").ok());
  ExpectJobsSurviveTheBadWorker();
}

TEST_F(Workers, OneWhoseWorkFolderIsGoneTakesNoJob) {
  KeepTheGoodWorkerBusy();
  fleet_.StartWorker("bad");
  Await([&] { return Worker("bad")["state"] == "IDLE"; });
  ASSERT_TRUE(RemoveAll(folder_ / "bad").ok());
  ExpectJobsSurviveTheBadWorker();
}

TEST_F(Workers, ASecondOneOfTheNameIsRefusedAndTheFirstDoesNotNotice) {
  fleet_.StartWorkerIn("first", "node");
  Submit("job", {"max_steps=20000", "checkpoint_every=1000"});
  AwaitStep("job", 1);
  Process& second = fleet_.StartWorkerIn("second", "node");
  Await([&] { return !second.Running(); }, absl::Seconds(30));
  EXPECT_EQ(second.Wait(absl::ZeroDuration()), 1);
  EXPECT_TRUE(absl::StrContains(second.Err(), "--name")) << second.Err();
  AwaitStep("job", Step("job") + 100);
  EXPECT_TRUE(fleet_.worker("first").Running());
  EXPECT_EQ(Job("job")["attempts"].size(), 1u) << Events("job");
}

TEST_F(Workers, AKilledOneTakesItsTrainerUpAgain) {
  fleet_.StartWorker("node");
  Submit("calm", {"max_steps=2000"});
  Submit("job", {"max_steps=2000"});
  Expect({"wait", "calm"});
  AwaitCheckpoint("job");
  const std::vector<pid_t> trainers = fleet_.Trainers();
  ASSERT_EQ(trainers.size(), 1u);
  KillWorker();
  const int64_t step = Step("job");
  fleet_.StartWorker("node");
  AwaitStep("job", step + 500);
  if (Job("job")["state"] == "RUNNING") {
    EXPECT_EQ(fleet_.Trainers(), trainers);
  }
  Expect({"wait", "job"});
  EXPECT_EQ(Job("job")["attempts"].size(), 1u) << Events("job");
  EXPECT_EQ(PulledWeights("job"), PulledWeights("calm"));
}

// Its trainer goes on for a while, and nothing of that counts.
TEST_F(Workers, AKilledOneThatStaysAwayLosesItsJobToAnother) {
  fleet_.StartWorker("node");
  Submit("calm", {"max_steps=2000"});
  Submit("job", {"max_steps=2000"});
  Expect({"wait", "calm"});
  AwaitCheckpoint("job");
  KillWorker();
  fleet_.StartWorker("other");
  Expect({"wait", "job"});
  const Json attempts = Job("job")["attempts"];
  ASSERT_EQ(attempts.size(), 2u) << Events("job");
  EXPECT_EQ(attempts[0]["result"], "WorkerLost");
  EXPECT_EQ(attempts[1]["worker"], "workers/other");
  EXPECT_EQ(PulledWeights("job"), PulledWeights("calm"));
}

// The processes whose parent is `parent`, each with its state as in /proc/PID/stat.
std::map<pid_t, char> ChildrenOf(pid_t parent) {
  std::map<pid_t, char> children;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string stat = ReadFile(entry.path() / "stat").value_or("");
    const size_t name_end = stat.rfind(')');
    if (name_end == std::string::npos) continue;
    const std::vector<std::string> fields = absl::StrSplit(stat.substr(name_end + 2), ' ');
    if (fields[1] == absl::StrCat(parent)) children[std::stoi(stat)] = fields[0][0];
  }
  return children;
}

bool HasZombie(pid_t parent) {
  const auto children = ChildrenOf(parent);
  return std::any_of(children.begin(), children.end(),
                     [](const auto& child) { return child.second == 'Z'; });
}

TEST_F(Workers, NoDeadRankStaysAZombie) {
  // Whom nobody else reaps ends with this process, as it would with a container's first.
  ASSERT_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
  fleet_.StartWorker("node");
  Submit("job", {"max_steps=20000", "checkpoint_every=1000", "resources={device: cpu, ranks: 2}"});
  AwaitStep("job", 1);
  const std::vector<pid_t> trainers = fleet_.Trainers();
  ASSERT_EQ(trainers.size(), 1u);
  const auto ranks = ChildrenOf(trainers[0]);
  ASSERT_EQ(ranks.size(), 2u);
  kill(ranks.begin()->first, SIGKILL);
  Await([&] { return Job("job")["attempts"].size() == 2; });
  EXPECT_EQ(Job("job")["attempts"][0]["result"], "TrainerStopped") << Events("job");
  Expect({"cancel", "job"});
  Await([&] { return fleet_.Trainers().empty(); });
  EXPECT_TRUE(WaitUntil([&] { return !HasZombie(fleet_.worker().pid()) && !HasZombie(getpid()); },
                        absl::Seconds(5)));
}

}  // namespace
}  // namespace tune::testing
