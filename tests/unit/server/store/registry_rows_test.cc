#include <gmock/gmock.h>

#include "tests/unit/server/store/store_fixture.h"

namespace tune::server {
namespace {

FileEntry File(const std::string& path, const std::string& content) {
  return {path, static_cast<int64_t>(content.size()), Sha256Hex(content)};
}

class RegistryRows : public StoreTest {
 protected:
  absl::Status Write(absl::FunctionRef<absl::Status(Transaction&)> write) {
    return store().Write(write);
  }
  bool Referenced(const std::string& content) {
    bool referenced = false;
    EXPECT_TRUE(Write([&](Transaction& t) {
                  referenced = *t.IsBlobReferenced(Sha256Hex(content));
                  return absl::OkStatus();
                }).ok());
    return referenced;
  }
  Checkpoint NewCheckpoint(const std::string& job_id, int64_t step, const std::string& content) {
    Checkpoint checkpoint;
    checkpoint.job_id = job_id;
    checkpoint.id = "step-" + std::to_string(step);
    checkpoint.step = step;
    checkpoint.loss = Progress::kUnknown;
    checkpoint.files = {File("a", content), File("b", "shared")};
    checkpoint.digest = FilesDigest(checkpoint.files);
    checkpoint.parent = "models/m";
    checkpoint.create_time = now();
    return checkpoint;
  }
};

TEST_F(RegistryRows, Datasets) {
  const Dataset dataset{"d", File("d.jsonl", "x"), "messages", 3, now(), 5, 2};
  ASSERT_TRUE(Write([&](Transaction& t) { return t.InsertDataset(dataset); }).ok());
  EXPECT_EQ(Write([&](Transaction& t) { return t.InsertDataset(dataset); }).code(),
            absl::StatusCode::kAlreadyExists);
  ASSERT_TRUE(Write([&](Transaction& t) {
                const Dataset back = *t.GetDataset("d");
                EXPECT_EQ(back.file, dataset.file);
                EXPECT_EQ(back.format, "messages");
                EXPECT_EQ(back.rows, 3);
                EXPECT_EQ(back.max_bad_rows, 5);
                EXPECT_EQ(back.bad_rows, 2);
                EXPECT_EQ(t.ListDatasets("", 9)->size(), 1u);
                return absl::OkStatus();
              }).ok());
  EXPECT_TRUE(Referenced("x"));
  EXPECT_FALSE(Referenced("y"));
  ASSERT_TRUE(Write([&](Transaction& t) { return t.DeleteDataset("d"); }).ok());
  EXPECT_FALSE(Referenced("x"));
  EXPECT_EQ(Write([&](Transaction& t) { return t.DeleteDataset("d"); }).code(),
            absl::StatusCode::kNotFound);
}

TEST_F(RegistryRows, Models) {
  Model model;
  model.id = "m";
  model.files = {File("config.json", "{}"), File("model.safetensors", "w")};
  model.architecture = "PhiForCausalLM";
  model.parameters = 12;
  model.precision = "bf16";
  model.max_position_embeddings = 512;
  model.create_time = now();
  ASSERT_TRUE(Write([&](Transaction& t) { return t.InsertModel(model); }).ok());
  ASSERT_TRUE(Write([&](Transaction& t) {
                const Model back = *t.GetModel("m");
                EXPECT_EQ(back.files, model.files);
                EXPECT_EQ(back.precision, "bf16");
                EXPECT_EQ(back.max_position_embeddings, 512);
                EXPECT_EQ(t.ListModels("", 1)->at(0).files.size(), 2u);
                return absl::OkStatus();
              }).ok());
  EXPECT_TRUE(Referenced("w"));
  ASSERT_TRUE(Write([&](Transaction& t) { return t.DeleteModel("m"); }).ok());
  EXPECT_FALSE(Referenced("w"));
}

TEST_F(RegistryRows, CheckpointsAndTheirFiles) {
  Insert(NewJob("j"));
  const Checkpoint first = NewCheckpoint("j", 1, "one");
  ASSERT_TRUE(Write([&](Transaction& t) { return t.InsertCheckpoint(first); }).ok());
  ASSERT_TRUE(
      Write([&](Transaction& t) { return t.InsertCheckpoint(NewCheckpoint("j", 2, "two")); }).ok());
  EXPECT_EQ(Write([&](Transaction& t) { return t.InsertCheckpoint(first); }).code(),
            absl::StatusCode::kAlreadyExists);
  ASSERT_TRUE(Write([&](Transaction& t) {
                const auto rows = *t.ListCheckpoints({"j"});
                EXPECT_EQ(rows.size(), 2u);
                EXPECT_EQ(rows[0].checkpoint.step, 2);
                EXPECT_EQ(rows[1].checkpoint.files, first.files);
                EXPECT_EQ(t.ListCheckpoints({"", rows[0].order})->size(), 1u);
                EXPECT_TRUE(t.ListCheckpoints({"other"})->empty());
                EXPECT_EQ(*t.CountCheckpoints(), 2);
                return absl::OkStatus();
              }).ok());
  ASSERT_TRUE(Write([&](Transaction& t) { return t.DeleteCheckpoint("j", "step-1"); }).ok());
  EXPECT_FALSE(Referenced("one"));
  EXPECT_TRUE(Referenced("shared"));
}

}  // namespace
}  // namespace tune::server
