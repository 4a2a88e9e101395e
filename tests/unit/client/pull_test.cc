// Pulls that are interrupted, repeated, refused: files are whole or not there.
#include "client/pull.h"
#include "base/files.h"

#include <gmock/gmock.h>

#include "tunectl_fixture.h"

namespace tune::client {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class PullTest : public TunectlTest {
 protected:
  PullTest() {
    checkpoint_.set_name("jobs/x/checkpoints/final");
    checkpoint_.set_final(true);
    Add("config.json", "{}");
    Add("model.safetensors", weights_);
    Add("state/state.json", "{\"step\":8}");
    Register();
  }

  void Add(const std::string& path, const std::string& content) {
    *checkpoint_.add_files() = scheduler_.blobs.Put(path, content);
  }
  void Register() {
    scheduler_.checkpoints.checkpoints["jobs/x/checkpoints/latest"] = checkpoint_;
    scheduler_.checkpoints.checkpoints["jobs/x/checkpoints/final"] = checkpoint_;
  }
  int PullTo(const std::string& folder, std::vector<std::string> more = {}) {
    std::vector<std::string> args = {"checkpoints", "pull", "x", "-d", folder};
    args.insert(args.end(), more.begin(), more.end());
    return Run(args);
  }
  std::vector<std::string> Files() {
    return ListFilesBelow(out_folder_).value_or(std::vector<std::string>());
  }

  const std::string weights_ = std::string(3 << 20, 'w') + "end";
  const std::string out_folder_ = folder_ / "deep/out";
  v1::Checkpoint checkpoint_;
};

TEST_F(PullTest, FetchesAllButTheState) {
  EXPECT_EQ(PullTo(out_folder_ + "/"), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("checkpoint/x@final pulled to"));
  EXPECT_THAT(out_, HasSubstr("(2 files, 3.0MiB, all hashes match)"));
  EXPECT_THAT(Files(), ElementsAre("config.json", "model.safetensors"));
  EXPECT_EQ(*ReadFile(out_folder_ + "/model.safetensors"), weights_);
}

TEST_F(PullTest, FetchesTheStateWhereAsked) {
  EXPECT_EQ(PullTo(out_folder_, {"--with-state"}), 0) << err_;
  EXPECT_THAT(Files(), ElementsAre("config.json", "model.safetensors", "state/state.json"));
}

TEST_F(PullTest, AnInterruptedPullContinues) {
  scheduler_.blobs.faults = {
      {.after_bytes = 2 << 20, .status = {grpc::StatusCode::PERMISSION_DENIED, "gone"}}};
  EXPECT_EQ(PullTo(out_folder_), 4);
  EXPECT_THAT(err_, HasSubstr("run the same command again"));
  EXPECT_THAT(Files(), ElementsAre("model.safetensors.part")) << "config.json comes last";

  scheduler_.blobs.offsets.clear();
  EXPECT_EQ(PullTo(out_folder_), 0) << err_;
  EXPECT_THAT(scheduler_.blobs.offsets, ElementsAre(2 << 20, 0));
  EXPECT_THAT(Files(), ElementsAre("config.json", "model.safetensors"));
  EXPECT_EQ(*ReadFile(out_folder_ + "/model.safetensors"), weights_);
}

TEST_F(PullTest, ARepeatVerifiesAndFetchesNothing) {
  ASSERT_EQ(PullTo(out_folder_), 0) << err_;
  scheduler_.blobs.offsets.clear();
  EXPECT_EQ(PullTo(out_folder_), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("2 were there already"));
  EXPECT_TRUE(scheduler_.blobs.offsets.empty());
}

TEST_F(PullTest, OtherContentIsKeptUnlessForced) {
  ASSERT_TRUE(CreateDirectories(out_folder_).ok());
  ASSERT_TRUE(WriteFileDurably(out_folder_ + "/config.json", "[]").ok());
  EXPECT_EQ(PullTo(out_folder_), 6);
  EXPECT_THAT(err_, HasSubstr("config.json"));
  EXPECT_THAT(err_, HasSubstr("--force"));
  EXPECT_THAT(Files(), ElementsAre("config.json")) << "nothing was fetched";
  EXPECT_EQ(*ReadFile(out_folder_ + "/config.json"), "[]");
  EXPECT_EQ(PullTo(out_folder_, {"--force"}), 0) << err_;
  EXPECT_EQ(*ReadFile(out_folder_ + "/config.json"), "{}");
}

TEST_F(PullTest, APartOfSomethingElseIsNotTrusted) {
  ASSERT_TRUE(CreateDirectories(out_folder_).ok());
  ASSERT_TRUE(WriteFileDurably(out_folder_ + "/model.safetensors.part", "garbage").ok());
  EXPECT_EQ(PullTo(out_folder_), 0) << err_;
  EXPECT_EQ(*ReadFile(out_folder_ + "/model.safetensors"), weights_);
}

TEST_F(PullTest, APathOutOfTheFolderIsRefused) {
  for (const char* path : {"../evil", "/etc/evil", "a/../../evil", "", "a//b", "."}) {
    v1::Checkpoint checkpoint;
    *checkpoint.add_files() = scheduler_.blobs.Put(path, "x");
    const auto plan = PlanPull(checkpoint, {.folder = out_folder_});
    EXPECT_EQ(plan.status().code(), absl::StatusCode::kInvalidArgument) << path;
  }
}

TEST_F(PullTest, SpaceIsCheckedFirstWithNumbers) {
  const auto plan = PlanPull(checkpoint_, {.folder = out_folder_});
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(plan->bytes_to_fetch, 2 + static_cast<int64_t>(weights_.size()));
  EXPECT_TRUE(CheckSpace(*plan, out_folder_, int64_t{1} << 30).ok());
  const absl::Status status = CheckSpace(*plan, out_folder_, 1 << 20);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(status.message()), HasSubstr("needs 67.0MiB, but 1.0MiB are free"));
}

TEST_F(PullTest, NoSuchCheckpoint) {
  EXPECT_EQ(Run({"checkpoints", "pull", "x@12", "-d", out_folder_}), 3);
  EXPECT_THAT(err_, HasSubstr("jobs/x/checkpoints/step-00000012"));
  EXPECT_THAT(err_, HasSubstr("hint: tunectl checkpoints list"));
  EXPECT_FALSE(Exists(out_folder_));
}

TEST_F(PullTest, ABarOnATerminal) {
  screen_.is_terminal = true;
  EXPECT_EQ(PullTo(out_folder_), 0) << err_;
  EXPECT_THAT(err_, HasSubstr("model.safetensors"));
  EXPECT_THAT(err_, HasSubstr("sha256 ok"));
  EXPECT_EQ(PullTo(folder_ / "quiet", {"-q"}), 0);
  EXPECT_EQ(err_, "");
}

}  // namespace
}  // namespace tune::client
