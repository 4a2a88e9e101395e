// The newcomer's line, whole: init a model, push a dataset, submit, watch, pull,
// generate. Four real programs, nothing prepared.
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/sha256.h"
#include "recipe/model/model_folder.h"
#include "run/folder.h"
#include "tests/support/fleet.h"
#include "tests/support/scratch_folder.h"

namespace tune::testing {
namespace {

constexpr char kDemoLoss[] = "TUNE_DEMO_LOSS";

class Demo : public ::testing::Test {
 protected:
  void SetUp() override {
    fleet_.StartScheduler();
    fleet_.StartWorker("cpu-1");
    Expect({"models", "init", "demo", "--config", SourceFile("deploy/demo/config.json"),
            "--tokenizer", SourceFile("deploy/demo/tokenizer.json"), "--seed", "0"});
    Expect({"datasets", "push", "demo", SourceFile("deploy/demo/dataset.jsonl")});
  }

  RunResult Expect(const std::vector<std::string>& args, int exit_code = 0) {
    const RunResult result = fleet_.Ctl(args);
    EXPECT_EQ(result.exit_code, exit_code) << args[0] << " " << args[1] << "\n"
                                           << result.out << result.err << fleet_.LogTails();
    return result;
  }

  ScratchFolder folder_;
  Fleet fleet_{folder_.path()};
};

TEST_F(Demo, FromSubmitToAPulledCheckpointThatReplies) {
  Expect({"submit", "-f", SourceFile("deploy/demo/job.yaml"), "--name", "first", "--wait"});
  const Json job = fleet_.CtlJson({"describe", "first"});
  EXPECT_EQ(job["state"], "SUCCEEDED");
  EXPECT_LT(job["progress"]["loss"].get<double>(), 0.5) << kDemoLoss;
  EXPECT_EQ(job["final_checkpoint"], "jobs/first/checkpoints/final");

  const std::string pulled = folder_ / "pulled";
  Expect({"checkpoints", "pull", "first", "-d", pulled});
  ASSERT_TRUE(OpenModelFolder(pulled).ok()) << OpenModelFolder(pulled).status();
  EXPECT_TRUE(Exists(pulled + "/README.md"));

  const RunResult reply = fleet_.Trainer(
      {"generate", "--model", pulled, "--prompt", "Name three fruits.", "--max-new-tokens", "48"});
  ASSERT_EQ(reply.exit_code, 0) << reply.err;
  EXPECT_FALSE(reply.out.empty());
  EXPECT_EQ(reply.out.find("User:"), std::string::npos) << reply.out;
}

TEST_F(Demo, EventsLogsAndTablesTellTheStory) {
  Expect({"submit", "-f", SourceFile("deploy/demo/job.yaml"), "--name", "story", "--set",
          "max_steps=4", "--set", "checkpoint_every=2", "--wait"});
  EXPECT_NE(Expect({"list"}).out.find("story"), std::string::npos);
  EXPECT_NE(Expect({"describe", "story"}).out.find("SUCCEEDED"), std::string::npos);
  EXPECT_FALSE(Expect({"logs", "story"}).out.empty());
  EXPECT_NE(Expect({"checkpoints", "list", "story"}).out.find("final"), std::string::npos);
  EXPECT_NE(Expect({"workers", "list"}).out.find("cpu-1"), std::string::npos);
  // A watch of a job that is over replays its history and exits by its outcome.
  EXPECT_NE(Expect({"watch", "story"}).out.find("step=4/4"), std::string::npos);
}

// Twice the same job: the second begins with the tokens of the first, and both can go.
TEST_F(Demo, WhatIsOverCanBeDeleted) {
  const auto train = [&](const std::string& name) {
    Expect({"submit", "-f", SourceFile("deploy/demo/job.yaml"), "--name", name, "--set",
            "max_steps=4", "--set", "checkpoint_every=2", "--wait"});
  };
  train("first");
  const auto cached = [&] {
    std::vector<std::string> names = *ListDirectory(folder_ / "cpu-1/cache");
    std::erase_if(names, [](const std::string& name) { return !name.ends_with(".tokens"); });
    return names.size();
  };
  EXPECT_EQ(cached(), 1u);
  train("second");
  EXPECT_EQ(cached(), 1u) << "the second job reads the same rows in the same way";

  EXPECT_EQ(
      Expect({"delete", "first", "none"}, 3).out.find("job/first deleted, with its logs and "), 0u);
  EXPECT_NE(Expect({"describe", "first"}, 3).err.find("there is no jobs/first"), std::string::npos);
  Expect({"checkpoints", "delete", "second@2"});
  EXPECT_NE(Expect({"checkpoints", "delete", "second@final"}, 6).err.find("tunectl delete second"),
            std::string::npos);
  Expect({"submit", "-f", SourceFile("deploy/demo/job.yaml"), "--name", "first", "--set",
          "max_steps=1", "--wait"});
}

TEST_F(Demo, ACancelledJobStopsItsTrainer) {
  Expect({"submit", "-f", SourceFile("deploy/demo/job.yaml"), "--name", "long", "--set",
          "epochs=1000"});
  ASSERT_TRUE(WaitUntil(
      [&] {
        return fleet_.CtlJson({"describe", "long"})["state"] == "RUNNING";
      },
      absl::Minutes(1)))
      << fleet_.LogTails();
  Expect({"cancel", "long"});
  Expect({"wait", "long"}, 11);
  // The worker is free again: another job ends well.
  Expect({"submit", "-f", SourceFile("deploy/demo/job.yaml"), "--name", "after", "--set",
          "max_steps=1", "--wait"});
}

}  // namespace
}  // namespace tune::testing
