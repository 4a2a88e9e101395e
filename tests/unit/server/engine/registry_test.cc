#include "server/engine/registry.h"

#include <gmock/gmock.h>

#include "base/field_errors.h"
#include "base/files.h"
#include "base/sha256.h"
#include "tests/unit/server/engine/engine_fixture.h"

namespace tune::server {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr char kRow[] = "{\"prompt\": \"a\", \"response\": \"b\"}\n";

class RegistryTest : public EngineTest {
 protected:
  Registry& registry() { return engine().registry(); }
};

TEST_F(RegistryTest, ADatasetIsReadAndCounted) {
  const auto dataset =
      registry().CreateDataset("d", Upload("train.jsonl", std::string(kRow) + kRow));
  ASSERT_TRUE(dataset.ok()) << dataset.status();
  EXPECT_EQ(dataset->rows, 2);
  EXPECT_EQ(dataset->format, "prompt_response");
  EXPECT_EQ(registry().GetDataset("d")->rows, 2);
  EXPECT_EQ(registry().ListDatasets({})->items.size(), 1u);
}

TEST_F(RegistryTest, TheSameContentAgainIsFineOtherContentIsNot) {
  const FileEntry file = Upload("train.jsonl", kRow);
  ASSERT_TRUE(registry().CreateDataset("d", file).ok());
  EXPECT_TRUE(registry().CreateDataset("d", file).ok());
  const absl::Status status =
      registry().CreateDataset("d", Upload("x.jsonl", std::string(kRow) + kRow)).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(std::string(status.message()), HasSubstr("datasets/d"));
}

TEST_F(RegistryTest, ABadRowIsNamedByFileAndRowAndNothingIsStored) {
  const auto dataset =
      registry().CreateDataset("d", Upload("bad.jsonl", std::string(kRow) + "{\"prompt\": }\n"));
  EXPECT_EQ(dataset.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(dataset.status().message()), HasSubstr("bad.jsonl:2"));
  EXPECT_EQ(registry().GetDataset("d").status().code(), absl::StatusCode::kNotFound);
}

TEST_F(RegistryTest, AsManyBadRowsAsAllowedAreCountedAndRemembered) {
  const FileEntry file = Upload("bad.jsonl", std::string(kRow) + "{\"prompt\": }\n" + kRow);
  const auto dataset = registry().CreateDataset("d", file, {{}, 3});
  ASSERT_TRUE(dataset.ok()) << dataset.status();
  EXPECT_EQ(dataset->rows, 2);
  EXPECT_EQ(dataset->bad_rows, 1);
  EXPECT_EQ(registry().GetDataset("d")->max_bad_rows, 3);
  EXPECT_TRUE(registry().CreateDataset("d", file, {{}, 3}).ok());
  EXPECT_EQ(registry().CreateDataset("d", file, {{}, 4}).status().code(),
            absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(std::string(registry().CreateDataset("e", file, {{}, -1}).status().message()),
              HasSubstr("dataset.max_bad_rows: must be from 0 to 1000000000, got -1"));
}

TEST_F(RegistryTest, ABlobThatIsNotThereIsNamed) {
  const auto dataset = registry().CreateDataset("d", {"x.jsonl", 3, Sha256Hex("xyz")});
  EXPECT_EQ(dataset.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(dataset.status().message()), HasSubstr("upload it first"));
}

TEST_F(RegistryTest, AModelIsCheckedAndDescribed) {
  const auto model = registry().CreateModel("m", ModelFileEntries());
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_EQ(model->architecture, "PhiForCausalLM");
  EXPECT_EQ(model->precision, "fp32");
  EXPECT_EQ(model->max_position_embeddings, 512);
  EXPECT_GT(model->parameters, 1000);
  EXPECT_GT(model->size_bytes, 4 * model->parameters);
  EXPECT_TRUE(registry().CreateModel("m", ModelFileEntries()).ok());
  EXPECT_EQ(registry().GetModel("m")->files, model->files);
}

TEST_F(RegistryTest, ABrokenModelIsRefusedByItsOwnFileNames) {
  std::vector<FileEntry> files = ModelFileEntries();
  for (FileEntry& file : files) {
    if (file.path != "model.safetensors") continue;
    const std::string weights = *ReadFile(engine().blobs().Path(file.sha256));
    file = Upload(file.path, weights.substr(0, weights.size() - 7));
  }
  const absl::Status status = registry().CreateModel("m", files).status();
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("model.safetensors"), Not(HasSubstr(folder_.path()))));
  EXPECT_TRUE(ListDirectory(engine().blobs().dir() + "/uploads")->empty());
}

// Whatever a client checked before it sent the files.
TEST_F(RegistryTest, AModelWithAValueThatIsNoNumberIsRefusedByTensor) {
  std::vector<FileEntry> files = ModelFileEntries();
  for (FileEntry& file : files) {
    if (file.path != "model.safetensors") continue;
    std::string weights = *ReadFile(engine().blobs().Path(file.sha256));
    weights.replace(weights.size() - 4, 4, std::string("\0\0\xc0\x7f", 4));
    file = Upload(file.path, weights);
  }
  EXPECT_THAT(std::string(registry().CreateModel("m", files).status().message()),
              HasSubstr("model.safetensors: tensor \"lm_head.bias\" holds NaN or an infinity"));
}

TEST_F(RegistryTest, WhatAJobUsesCannotBeDeleted) {
  SubmitJob("j");
  for (const absl::Status& status : {registry().DeleteDataset("d"), registry().DeleteModel("m")}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(status.message()), HasSubstr("jobs/j"));
  }
  ASSERT_TRUE(engine().orders().Cancel({"j"}).ok());
  EXPECT_TRUE(registry().DeleteDataset("d").ok());
  EXPECT_TRUE(registry().DeleteModel("m").ok());
  EXPECT_EQ(registry().DeleteModel("m").code(), absl::StatusCode::kNotFound);
}

TEST_F(RegistryTest, ADeletedDatasetsBlobGoesUnlessItIsSharedStill) {
  const FileEntry file = Upload("train.jsonl", kRow);
  ASSERT_TRUE(registry().CreateDataset("a", file).ok());
  ASSERT_TRUE(registry().CreateDataset("b", file).ok());
  ASSERT_TRUE(registry().DeleteDataset("a").ok());
  EXPECT_TRUE(engine().blobs().Stat(file.sha256)->complete);
  ASSERT_TRUE(registry().DeleteDataset("b").ok());
  EXPECT_FALSE(Exists(engine().blobs().Path(file.sha256)));
}

TEST_F(RegistryTest, CheckpointsOfNoJob) {
  EXPECT_EQ(registry().ListCheckpoints("none", {}).status().code(), absl::StatusCode::kNotFound);
  EXPECT_TRUE(registry().ListCheckpoints("-", {})->items.empty());
  SubmitJob("j");
  const absl::Status status = registry().GetCheckpoint({"j", "latest"}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("no checkpoint yet; it is QUEUED"));
}

}  // namespace
}  // namespace tune::server
