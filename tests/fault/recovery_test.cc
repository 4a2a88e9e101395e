// kill -9 in mid-run: the job still ends SUCCEEDED, from its last checkpoint, with the
// weights an undisturbed run gives.
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <filesystem>

#include "base/files.h"
#include "base/sha256.h"
#include "tests/support/fleet.h"
#include "tests/support/scratch_folder.h"

namespace tune::testing {
namespace {

class Recovery : public ::testing::Test {
 protected:
  void SetUp() override {
    fleet_.StartScheduler();
    fleet_.StartWorker("cpu-1");
    Expect({"models", "init", "demo", "--config", SourceFile("deploy/demo/config.json"),
            "--tokenizer", SourceFile("deploy/demo/tokenizer.json"), "--seed", "0"});
    Expect({"datasets", "push", "demo", SourceFile("deploy/demo/dataset.jsonl")});
  }

  void Expect(const std::vector<std::string>& args, int exit_code = 0) {
    const RunResult result = fleet_.Ctl(args);
    ASSERT_EQ(result.exit_code, exit_code) << args[0] << "\n"
                                           << result.out << result.err << fleet_.LogTails();
  }

  void Submit(const std::string& name, int ranks = 1) {
    Expect({"submit", "-f", SourceFile("deploy/demo/job.yaml"), "--name", name, "--set",
            "max_steps=60", "--set", "checkpoint_every=10", "--ranks", std::to_string(ranks)});
  }

  // The process of rank `rank` of the one run that goes on here.
  pid_t RankProcess(int rank) {
    const std::string last = "--rank " + std::to_string(rank);
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      std::string command = ReadFile(entry.path() / "cmdline").value_or("");
      std::replace(command.begin(), command.end(), '\0', ' ');
      const bool ours = command.find(folder_.path()) != std::string::npos;
      if (ours && command.find(last) != std::string::npos)
        return std::stoi(entry.path().filename());
    }
    ADD_FAILURE() << "no process of rank " << rank;
    return 0;
  }

  // The job has a registered checkpoint, and is not over.
  void AwaitFirstCheckpoint(const std::string& name) {
    ASSERT_TRUE(WaitUntil(
        [&] {
          return fleet_.CtlJson({"describe", name}).value("latest_checkpoint", "") != "";
        },
        absl::Minutes(3)))
        << fleet_.LogTails();
    ASSERT_EQ(fleet_.CtlJson({"describe", name})["state"], "RUNNING");
  }

  std::string PulledWeights(const std::string& name) {
    Expect({"checkpoints", "pull", name, "-d", folder_ / name});
    return Sha256File(folder_ / name + "/model.safetensors").value_or("none");
  }

  ScratchFolder folder_;
  Fleet fleet_{folder_.path()};
};

TEST_F(Recovery, WorkerKilledInMidRun) {
  Submit("calm");
  Expect({"wait", "calm"});
  Submit("killed");
  AwaitFirstCheckpoint("killed");
  fleet_.worker().Signal(SIGKILL);
  fleet_.worker().Wait(absl::Seconds(10));
  fleet_.StartWorker("cpu-1");
  Expect({"wait", "killed"});

  const Json job = fleet_.CtlJson({"describe", "killed"});
  EXPECT_EQ(job["attempts"].size(), 1u) << "its trainer went on, and was taken up\n" << job.dump(1);
  EXPECT_EQ(PulledWeights("killed"), PulledWeights("calm"));
}

TEST_F(Recovery, SchedulerKilledInMidRun) {
  Submit("job");
  AwaitFirstCheckpoint("job");
  fleet_.scheduler().Signal(SIGKILL);
  fleet_.scheduler().Wait(absl::Seconds(10));
  fleet_.StartScheduler();
  Expect({"wait", "job"});
  const Json job = fleet_.CtlJson({"describe", "job"});
  EXPECT_EQ(job["state"], "SUCCEEDED");
  EXPECT_EQ(job["attempts"].size(), 1u) << "training went on while the scheduler was away";
}

TEST_F(Recovery, ARankKilledInMidRun) {
  Submit("calm", 2);
  Expect({"wait", "calm"});
  Submit("killed", 2);
  AwaitFirstCheckpoint("killed");
  const pid_t rank = RankProcess(1);
  ASSERT_GT(rank, 0);
  kill(rank, SIGKILL);
  Expect({"wait", "killed"});

  const Json job = fleet_.CtlJson({"describe", "killed"});
  ASSERT_EQ(job["attempts"].size(), 2u) << job.dump(1);
  EXPECT_EQ(job["attempts"][0]["result"], "TrainerStopped") << "somebody's doing, not the job's";
  EXPECT_NE(job["attempts"][0]["message"].get<std::string>().find("rank 1 was killed by signal 9"),
            std::string::npos)
      << job.dump(1);
  EXPECT_GE(std::stoll(job["attempts"][1]["resumed_step"].get<std::string>()), 10);
  EXPECT_EQ(PulledWeights("killed"), PulledWeights("calm"));
}

}  // namespace
}  // namespace tune::testing
