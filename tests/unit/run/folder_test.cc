#include "run/folder.h"
#include "base/files.h"
#include "run/manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/field_errors.h"
#include "base/sha256.h"
#include "tests/support/scratch_folder.h"

namespace tune {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kDigest[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

RunFolder Example() {
  RunFolder run;
  run.job = "jobs/j1";
  run.attempt = 2;
  run.spec.model = "models/m";
  run.spec.datasets = {{"datasets/a", 1}, {"datasets/b", 0.5}};
  run.spec.eval = EvalSpec{"datasets/c", 10, 5};
  run.model_path = "/models/m";
  run.datasets = {{"datasets/a", "data/a.jsonl", kDigest},
                  {"datasets/b", "data/b.jsonl", "", 7},
                  {"datasets/c", "data/c.jsonl", ""}};
  run.resume_path = "/checkpoints/step-00000012";
  run.parent = "models/m";
  run.model_digest = "sha256:1";
  run.checkpoints_kept_by_worker = true;
  return run;
}

void WriteFile(const std::string& path, absl::string_view text) {
  ASSERT_TRUE(WriteFileDurably(path, text).ok());
}

TEST(RunFolder, ReadsWhatItWrote) {
  const ScratchFolder dir;
  const RunFolder run = Example();
  ASSERT_TRUE(WriteRunFolder(dir.path(), run).ok());
  const auto read = ReadRunFolder(dir.path());
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->job, run.job);
  EXPECT_EQ(read->attempt, 2);
  EXPECT_EQ(RunSpecToJson(read->spec), RunSpecToJson(run.spec));
  EXPECT_EQ(read->model_path, run.model_path);
  ASSERT_EQ(read->datasets.size(), 3);
  EXPECT_EQ(read->datasets[0].path, "data/a.jsonl");
  EXPECT_EQ(read->datasets[0].sha256, kDigest);
  EXPECT_EQ(read->datasets[0].max_bad_rows, 0);
  EXPECT_EQ(read->datasets[1].max_bad_rows, 7);
  EXPECT_EQ(read->resume_path, run.resume_path);
  EXPECT_EQ(read->parent, run.parent);
  EXPECT_EQ(read->model_digest, run.model_digest);
  EXPECT_EQ(read->checkpoints_kept_by_worker, run.checkpoints_kept_by_worker);
}

TEST(RunFolder, ErrorsNameFileAndField) {
  const ScratchFolder dir;
  WriteFile(dir / "run.json", R"({
    "atempt": 1, "spec": {"model": "m", "datasets": [{"dataset": "d"}], "epochs": -1},
    "datasets": [{"dataset": "d", "path": "d.jsonl", "sha256": "abc"}]})");
  const absl::Status status = ReadRunFolder(dir.path()).status();
  EXPECT_THAT(status.message(), HasSubstr(dir / "run.json"));
  std::vector<std::string> fields;
  for (const FieldError& e : FieldErrorsOf(status)) fields.push_back(e.field);
  EXPECT_THAT(fields, ElementsAre("atempt", "spec.epochs", "model_path", "datasets[0].sha256"));
}

TEST(RunFolder, EveryDatasetOfTheSpecNeedsAPath) {
  const ScratchFolder dir;
  RunFolder run = Example();
  run.datasets.pop_back();
  ASSERT_TRUE(WriteRunFolder(dir.path(), run).ok());
  EXPECT_THAT(ReadRunFolder(dir.path()).status().message(),
              HasSubstr("lacks the path of \"datasets/c\""));
}

TEST(RunFolder, AMissingFileIsNotFound) {
  const ScratchFolder dir;
  EXPECT_TRUE(absl::IsNotFound(ReadRunFolder(dir.path()).status()));
}

class ManifestTest : public ::testing::Test {
 protected:
  ManifestTest() {
    EXPECT_TRUE(CreateDirectories(dir_ / "state").ok());
    WriteFile(dir_ / "model.safetensors", "weights");
    WriteFile(dir_ / "config.json", "{}");
    WriteFile(dir_ / "state/state.json", "state");
  }
  std::string VerifyMessage() const { return std::string(VerifyManifest(dir_.path()).message()); }

  const ScratchFolder dir_;
};

TEST_F(ManifestTest, ListsEveryFileSortedWithItsHash) {
  const auto written = WriteManifest(dir_.path(), 12, 1.5, 0.25, true);
  ASSERT_TRUE(written.ok()) << written.status();
  EXPECT_THAT(written->files, ElementsAre(FileEntry{"config.json", 2, Sha256Hex("{}")},
                                          FileEntry{"model.safetensors", 7, Sha256Hex("weights")},
                                          FileEntry{"state/state.json", 5, Sha256Hex("state")}));
  const auto read = ReadManifest(dir_.path());
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->step, 12);
  EXPECT_EQ(read->epoch, 1.5);
  EXPECT_EQ(read->loss, 0.25);
  EXPECT_TRUE(read->final);
  EXPECT_EQ(read->files, written->files);
  EXPECT_TRUE(VerifyManifest(dir_.path()).ok());
}

TEST_F(ManifestTest, WrittenAgainDoesNotListItself) {
  ASSERT_TRUE(WriteManifest(dir_.path(), 1, 0, 0, false).ok());
  EXPECT_EQ(WriteManifest(dir_.path(), 2, 0, 0, false)->files.size(), 3);
}

// A digest that only a reader could refute is taken over: who wrote the file need not read it.
TEST_F(ManifestTest, DoesNotReadWhatWasHashedAsItWasWritten) {
  const std::string known = Sha256Hex("as it was written");
  const auto written = WriteManifest(dir_.path(), 1, 0, 0, false, {{"model.safetensors", known}});
  ASSERT_TRUE(written.ok()) << written.status();
  EXPECT_THAT(written->files, ElementsAre(FileEntry{"config.json", 2, Sha256Hex("{}")},
                                          FileEntry{"model.safetensors", 7, known},
                                          FileEntry{"state/state.json", 5, Sha256Hex("state")}));
}

TEST_F(ManifestTest, VerifyNoticesAChangedByte) {
  ASSERT_TRUE(WriteManifest(dir_.path(), 1, 0, 0, false).ok());
  WriteFile(dir_ / "model.safetensors", "weightz");
  EXPECT_TRUE(absl::IsDataLoss(VerifyManifest(dir_.path())));
  EXPECT_THAT(VerifyMessage(), HasSubstr("model.safetensors: SHA-256 is"));
}

TEST_F(ManifestTest, VerifyNoticesATruncatedFile) {
  ASSERT_TRUE(WriteManifest(dir_.path(), 1, 0, 0, false).ok());
  WriteFile(dir_ / "model.safetensors", "weigh");
  EXPECT_THAT(VerifyMessage(), HasSubstr("has 5 bytes, the manifest says 7"));
}

TEST_F(ManifestTest, VerifyNoticesAMissingFile) {
  ASSERT_TRUE(WriteManifest(dir_.path(), 1, 0, 0, false).ok());
  ASSERT_TRUE(RemoveAll(dir_ / "state").ok());
  EXPECT_TRUE(absl::IsDataLoss(VerifyManifest(dir_.path())));
  EXPECT_THAT(VerifyMessage(), HasSubstr("state/state.json: is missing"));
}

TEST_F(ManifestTest, AFolderWithoutOneIsNoCheckpoint) {
  EXPECT_TRUE(absl::IsNotFound(ReadManifest(dir_.path()).status()));
}

TEST_F(ManifestTest, RefusesPathsThatLeaveTheFolder) {
  for (const std::string path : {"../x", "/etc/passwd", "a/../../x", "a//b", ".", ""}) {
    WriteFile(dir_ / "manifest.json",
              DumpJson({{"step", 1},
                        {"final", false},
                        {"files", {{{"path", path}, {"size_bytes", 0}, {"sha256", kDigest}}}}}));
    EXPECT_THAT(ReadManifest(dir_.path()).status().message(),
                HasSubstr("files[0].path: must be a relative path inside the folder"))
        << path;
  }
}

TEST_F(ManifestTest, RefusesAPathThatComesTwice) {
  const Json entry = {{"path", "a"}, {"size_bytes", 0}, {"sha256", kDigest}};
  WriteFile(dir_ / "manifest.json",
            DumpJson({{"step", 1}, {"final", false}, {"files", {entry, entry}}}));
  EXPECT_THAT(ReadManifest(dir_.path()).status().message(),
              HasSubstr("files[1].path: must come after the one before it"));
}

}  // namespace
}  // namespace tune
