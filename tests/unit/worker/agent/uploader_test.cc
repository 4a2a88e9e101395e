#include "worker/agent/uploader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "absl/strings/str_cat.h"
#include "base/sha256.h"
#include "fakes.h"
#include "run/folder.h"
#include "run/manifest.h"
#include "scratch.h"

namespace tune::worker {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;

using Saved = v1::TrainingEvent::CheckpointSaved;

class UploaderTest : public ::testing::Test {
 protected:
  Saved Save(int64_t step, bool final = false) {
    Saved saved;
    saved.set_step(step);
    saved.set_final(final);
    saved.set_path(final ? "checkpoints/final" : absl::StrCat("checkpoints/", step));
    const std::string dir = folder_ / saved.path();
    EXPECT_TRUE(CreateDirectories(dir + "/state").ok());
    AppendTo(dir + "/model.safetensors", absl::StrCat("weights of ", step));
    AppendTo(dir + "/state/state.json", "{}");
    EXPECT_TRUE(WriteManifest(dir, step, 0.5, 1.25, final).ok());
    return saved;
  }
  void Start() {
    v1::LeaseKey key;
    key.set_job("jobs/j");
    uploader_ = std::make_unique<Uploader>(
        control_, key, folder_.path(), stop_, clock_, metrics_,
        UploadOptions{.keep_checkpoints = 2,
                      .backoff = {absl::Milliseconds(1), absl::Milliseconds(2)}});
  }
  void FinishAndWait() {
    uploader_->Finish();
    ASSERT_TRUE(uploader_->WaitDone(absl::Seconds(20)));
  }
  std::vector<int64_t> Committed() const {
    std::vector<int64_t> steps;
    for (const auto& commit : control_.commits()) steps.push_back(commit.step());
    return steps;
  }

  ScratchFolder folder_;
  FakeControlPlane control_;
  FakeClock clock_;
  Metrics metrics_{clock_, nullptr};
  StopSignal stop_;
  std::unique_ptr<Uploader> uploader_;
};

TEST_F(UploaderTest, RegistersInOrderWithEveryFileAndTheManifest) {
  Start();
  uploader_->Add(Save(10));
  uploader_->Add(Save(20, /*final=*/true));
  FinishAndWait();
  EXPECT_THAT(Committed(), ElementsAre(10, 20));
  EXPECT_TRUE(uploader_->final_committed());
  const auto commit = control_.commits()[0];
  EXPECT_EQ(commit.loss(), 1.25);
  EXPECT_EQ(commit.epoch(), 0.5);
  EXPECT_FALSE(commit.final());
  std::vector<std::string> paths;
  for (const auto& file : commit.files()) {
    paths.push_back(file.path());
    EXPECT_TRUE(control_.HasBlob(file.sha256()));
  }
  EXPECT_THAT(paths, ElementsAre("model.safetensors", "state/state.json", "manifest.json"));
  EXPECT_FALSE(Exists(folder_ / "checkpoints/10")) << "its place on the disk is free again";
}

TEST_F(UploaderTest, TriesAgainUntilTheSchedulerIsBack) {
  std::atomic<int> calls = 0;
  control_.SetFault([&](const std::string&) {
    return ++calls <= 5 ? absl::UnavailableError("away") : absl::OkStatus();
  });
  Start();
  uploader_->Add(Save(1));
  FinishAndWait();
  EXPECT_THAT(Committed(), ElementsAre(1));
}

TEST_F(UploaderTest, SendsBlobsAgainThatWentBeforeTheCommit) {
  std::atomic<int> commits = 0;
  control_.SetFault([&](const std::string& method) {
    const bool first = method == "CommitCheckpoint" && ++commits == 1;
    return first ? absl::FailedPreconditionError("a blob is not there") : absl::OkStatus();
  });
  Start();
  uploader_->Add(Save(1));
  FinishAndWait();
  EXPECT_THAT(Committed(), ElementsAre(1));
}

TEST_F(UploaderTest, PassesOverWhatEnoughNewerOnesWaitBehind) {
  absl::Mutex mutex;
  bool open = false;
  control_.SetFault([&](const std::string&) {
    absl::MutexLock lock(&mutex);
    mutex.Await(absl::Condition(&open));
    return absl::OkStatus();
  });
  Start();
  for (int64_t step = 1; step <= 5; ++step) uploader_->Add(Save(step));
  uploader_->Add(Save(6, /*final=*/true));
  {
    absl::MutexLock lock(&mutex);
    open = true;
  }
  FinishAndWait();
  // 1 may have been under way before the others came; 2 and 3 never are.
  auto steps = Committed();
  if (steps.front() == 1) steps.erase(steps.begin());
  EXPECT_THAT(steps, ElementsAre(4, 5, 6));
  EXPECT_FALSE(Exists(folder_ / "checkpoints/3"));
}

TEST_F(UploaderTest, AStaleLeaseStopsTheAttempt) {
  control_.EndLease();
  Start();
  uploader_->Add(Save(1));
  FinishAndWait();
  EXPECT_EQ(stop_.cause(), StopCause::kLeaseEnded);
}

TEST_F(UploaderTest, ADamagedCheckpointIsLeftOutAndTheNextOneGoesOn) {
  Saved broken = Save(1);
  ASSERT_TRUE(RemoveAll(folder_ / "checkpoints/1/manifest.json").ok());
  Start();
  uploader_->Add(broken);
  uploader_->Add(Save(2));
  FinishAndWait();
  EXPECT_THAT(Committed(), ElementsAre(2));
  EXPECT_EQ(stop_.cause(), StopCause::kNone);
}

TEST_F(UploaderTest, AResultThatCannotBeRegisteredSaysWhy) {
  control_.SetFault([](const std::string& method) {
    return method == "CommitCheckpoint" ? absl::InvalidArgumentError("files[0].path: too long")
                                        : absl::OkStatus();
  });
  Start();
  uploader_->Add(Save(1, /*final=*/true));
  FinishAndWait();
  EXPECT_FALSE(uploader_->final_committed());
  EXPECT_EQ(uploader_->final_status().message(), "files[0].path: too long");
}

TEST_F(UploaderTest, AbortEndsTheTries) {
  control_.SetFault([](const std::string&) { return absl::UnavailableError("away"); });
  Start();
  uploader_->Add(Save(1));
  uploader_->Add(Save(2));
  uploader_->Finish();
  ASSERT_TRUE(control_.Await([](const auto& c) { return c.Count("Upload failed") >= 2; }));
  uploader_->Abort();
  EXPECT_TRUE(uploader_->WaitDone(absl::Seconds(20)));
  EXPECT_THAT(Committed(), ElementsAre());
}

}  // namespace
}  // namespace tune::worker
