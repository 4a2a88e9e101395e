#include "worker/agent/uploader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/sha256.h"
#include "fakes.h"
#include "run/manifest.h"
#include "tests/support/scratch_folder.h"

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
    uploader_ =
        std::make_unique<Uploader>(control_, key, folder_.path(), stop_, clock_, metrics_,
                                   BackoffOptions{absl::Milliseconds(1), absl::Milliseconds(2)});
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
  VirtualClock clock_;
  Metrics metrics_{clock_, nullptr};
  StopSignal stop_;
  std::unique_ptr<Uploader> uploader_;
};

TEST_F(UploaderTest, RegistersTheNewestWithEveryFileAndTheManifest) {
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

// A link on which every call waits until the test lets it through.
class SlowLink {
 public:
  explicit SlowLink(FakeControlPlane& control) {
    control.SetFault([this](const std::string& method) {
      absl::MutexLock lock(&mutex_);
      if (method != "CommitCheckpoint") return absl::OkStatus();
      ++arrived_;
      const auto free = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return passes_ > 0; };
      mutex_.Await(absl::Condition(&free));
      --passes_;
      return absl::OkStatus();
    });
  }
  void AwaitCall(int64_t number) {
    absl::MutexLock lock(&mutex_);
    const auto there = [&]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return arrived_ >= number; };
    mutex_.Await(absl::Condition(&there));
  }
  void LetThrough(int64_t calls) {
    absl::MutexLock lock(&mutex_);
    passes_ += calls;
  }

 private:
  absl::Mutex mutex_;
  int64_t arrived_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t passes_ ABSL_GUARDED_BY(mutex_) = 0;
};

TEST_F(UploaderTest, AnUploadThatTakesManyIntervalsIsFinishedAndTheNewestIsNext) {
  SlowLink link(control_);
  Start();
  uploader_->Add(Save(10));
  for (int64_t upload = 1; upload <= 3; ++upload) {
    link.AwaitCall(upload);
    const int64_t step = upload * 10;
    for (int64_t later = 1; later <= 10; ++later) uploader_->Add(Save(step + later));
    EXPECT_TRUE(Exists(folder_ / absl::StrCat("checkpoints/", step))) << "under way";
    EXPECT_FALSE(Exists(folder_ / absl::StrCat("checkpoints/", step + 9))) << "passed over";
    EXPECT_TRUE(Exists(folder_ / absl::StrCat("checkpoints/", step + 10))) << "next";
    link.LetThrough(1);
  }
  link.LetThrough(1);
  FinishAndWait();
  EXPECT_THAT(Committed(), ElementsAre(10, 20, 30, 40));
}

TEST_F(UploaderTest, TheResultComesAfterTheNewestAndIsNeverPassedOver) {
  SlowLink link(control_);
  Start();
  uploader_->Add(Save(1));
  link.AwaitCall(1);
  uploader_->Add(Save(2));
  uploader_->Add(Save(3));
  uploader_->Add(Save(4, /*final=*/true));
  link.LetThrough(100);
  FinishAndWait();
  EXPECT_THAT(Committed(), ElementsAre(1, 3, 4));
  EXPECT_TRUE(uploader_->final_committed());
}

TEST_F(UploaderTest, AFolderThatIsGoneIsGoneAndTheNextOneGoesOn) {
  const Saved gone = Save(1);
  ASSERT_TRUE(RemoveAll(folder_ / gone.path()).ok());
  Start();
  uploader_->Add(gone);
  FinishAndWait();
  EXPECT_EQ(stop_.cause(), StopCause::kNone);
  EXPECT_THAT(Committed(), ElementsAre());
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
  uploader_->Add(Save(2, /*final=*/true));
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
  uploader_->Finish();
  ASSERT_TRUE(control_.Await([](const auto& c) { return c.Count("Upload failed") >= 2; }));
  uploader_->Abort();
  EXPECT_TRUE(uploader_->WaitDone(absl::Seconds(20)));
  EXPECT_THAT(Committed(), ElementsAre());
}

}  // namespace
}  // namespace tune::worker
