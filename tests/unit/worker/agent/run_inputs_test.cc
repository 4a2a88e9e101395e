#include "worker/agent/run_inputs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "base/files.h"
#include "base/sha256.h"
#include "base/status.h"
#include "lease.h"
#include "run/folder.h"
#include "tests/support/scratch_folder.h"

namespace tune::worker {
namespace {

using ::testing::HasSubstr;

class RunInputsTest : public ::testing::Test {
 protected:
  absl::Status Make(const v1::Lease& lease) {
    const auto inputs = InputsOf(lease);
    if (!inputs.ok()) return inputs.status();
    return MakeRunFolder(run_dir_, lease, *inputs,
                         [&](const v1::FileEntry& file, const std::string& target) {
                           const auto folder = std::filesystem::path(target).parent_path();
                           RETURN_IF_ERROR(CreateDirectories(folder));
                           return WriteFileDurably(target, "content of " + file.path());
                         });
  }

  ScratchFolder folder_;
  const std::string run_dir_ = folder_ / "runs/j-a2-e5";
};

TEST_F(RunInputsTest, TheTrainerFindsWhatTheLeaseNames) {
  v1::Lease lease = TestLease();
  lease.mutable_resume_from()->set_name("jobs/j/checkpoints/step-00000007");
  *lease.mutable_resume_from()->add_files() = EntryOf("state/state.json", "state");
  ASSERT_TRUE(Make(lease).ok());

  const auto run = ReadRunFolder(run_dir_);
  ASSERT_TRUE(run.ok()) << run.status();
  EXPECT_EQ(run->job, "jobs/j");
  EXPECT_EQ(run->attempt, 2);
  EXPECT_TRUE(run->checkpoints_kept_by_worker);
  EXPECT_EQ(run->spec.model, "models/m");
  EXPECT_EQ(run->spec.max_steps, 4);
  EXPECT_EQ(run->parent, "jobs/j/checkpoints/step-00000007");
  EXPECT_EQ(*ReadFile(run->model_path + "/config.json"), "content of config.json");
  ASSERT_EQ(run->datasets.size(), 1u);
  EXPECT_EQ(run->datasets[0].dataset, "datasets/d");
  EXPECT_EQ(run->datasets[0].max_bad_rows, 3);
  EXPECT_EQ(run->datasets[0].sha256, lease.datasets(0).file().sha256());
  EXPECT_EQ(run->datasets[0].path, run_dir_ + "/datasets/d/train.jsonl");
  EXPECT_EQ(*ReadFile(run->datasets[0].path), "content of train.jsonl");
  EXPECT_EQ(*ReadFile(run->resume_path + "/state/state.json"), "content of state/state.json");
  EXPECT_EQ(run->model_digest, Sha256Hex(Sha256Hex("{}") + "  config.json\n" +
                                         Sha256Hex("weights") + "  model.safetensors\n"));
}

TEST_F(RunInputsTest, WithoutACheckpointTheModelIsTheParent) {
  ASSERT_TRUE(Make(TestLease()).ok());
  const auto run = ReadRunFolder(run_dir_);
  EXPECT_EQ(run->resume_path, "");
  EXPECT_EQ(run->parent, "models/m");
}

TEST_F(RunInputsTest, WhatAnEarlierLifeLeftIsGone) {
  ASSERT_TRUE(CreateDirectories(run_dir_).ok());
  AppendTo(run_dir_ + "/events.jsonl", "{}\n");
  ASSERT_TRUE(Make(TestLease()).ok());
  EXPECT_EQ(*ReadFile(run_dir_ + "/events.jsonl"), "");
}

TEST_F(RunInputsTest, APathOutOfTheFolderIsRefused) {
  for (const std::string path : {"../x", "/etc/passwd", "a//b", ".", "a/../../b", ""}) {
    v1::Lease lease = TestLease();
    lease.mutable_model_files(0)->set_path(path);
    const auto inputs = InputsOf(lease);
    EXPECT_TRUE(absl::IsInvalidArgument(inputs.status())) << path;
    EXPECT_THAT(std::string(inputs.status().message()), HasSubstr("is no plain path"));
  }
}

// The trainer may be of a later release than the worker.
TEST_F(RunInputsTest, TheSpecIsPassedOnAsItIs) {
  v1::Lease lease = TestLease();
  lease.set_spec_json(
      R"({"later":{"rank":8},"datasets":[{"dataset":"datasets/d","also":1}],"model":"models/m",)"
      R"("seed":9007199254740993,"lr_scheduler":"later"})");
  ASSERT_EQ(Make(lease), absl::OkStatus());
  const auto run = ReadJsonFile(run_dir_ + "/run.json");
  ASSERT_TRUE(run.ok()) << run.status();
  EXPECT_EQ(DumpJson((*run)["spec"]), lease.spec_json());
  const absl::Status read = ReadRunFolder(run_dir_).status();
  EXPECT_THAT(std::string(read.message()), HasSubstr("spec.later: unknown field"));
  EXPECT_THAT(std::string(read.message()), HasSubstr("spec.lr_scheduler"));
}

TEST_F(RunInputsTest, ASpecWithoutWhatTheWorkerNeedsIsRefused) {
  v1::Lease lease = TestLease();
  for (const char* spec : {"", "[]", "{}", R"({"model":"models/m","checkpoint_every":-1})"}) {
    lease.set_spec_json(spec);
    const absl::Status status = Make(lease);
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << spec << " " << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("jobs/j"));
  }
}

TEST_F(RunInputsTest, TheFolderIsNamedForTheAttempt) {
  EXPECT_EQ(RunFolderName(TestLease()), "j-a2-e5");
}

}  // namespace
}  // namespace tune::worker
