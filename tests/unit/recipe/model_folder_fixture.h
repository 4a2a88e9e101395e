// A model folder of a tiny Phi for tests to change.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/field_errors.h"
#include "base/files.h"
#include "base/json.h"
#include "recipe/model/model_family.h"
#include "recipe/model/model_folder.h"
#include "recipe/model/model_init.h"
#include "recipe/model/safetensors.h"
#include "tests/support/byte_tokenizer.h"
#include "tests/support/scratch_folder.h"

namespace tune {

inline constexpr char kTinyPhiConfig[] = R"({
  "model_type": "phi", "vocab_size": 258, "hidden_size": 8, "intermediate_size": 16,
  "num_hidden_layers": 1, "num_attention_heads": 2, "bos_token_id": 256, "eos_token_id": 256})";

inline std::vector<std::string> Errors(const absl::Status& status) {
  std::vector<std::string> errors;
  for (const FieldError& e : FieldErrorsOf(status)) errors.push_back(e.field + ": " + e.message);
  return errors;
}

class ModelFolderTest : public ::testing::Test {
 protected:
  ModelFolderTest()
      : config_(*ModelConfigFromJson(*ParseJson(kTinyPhiConfig))), model_(dir_ / "model") {
    Write(dir_ / "tokenizer.json", ByteTokenizerJson());
    absl::Status made = InitModelFolder(model_, config_, dir_ / "tokenizer.json", 0);
    EXPECT_TRUE(made.ok()) << made;
  }

  absl::StatusOr<ModelFolder> Open() const { return OpenModelFolder(model_); }

  static void Write(const std::string& path, absl::string_view text) {
    ASSERT_TRUE(WriteFileDurably(path, text).ok());
  }
  std::string In(const std::string& file) const { return JoinPath(model_, file); }

  // Writes tensors of zeros as a weight file of the model.
  void WriteWeights(const std::string& file, const std::vector<TensorSpec>& tensors) {
    auto writer = SafetensorsWriter::Create(In(file), tensors, {{"format", "pt"}});
    ASSERT_TRUE(writer.ok()) << writer.status();
    for (const TensorSpec& tensor : tensors) {
      int64_t bytes = DTypeBytes(tensor.dtype);
      for (const int64_t size : tensor.shape) bytes *= size;
      ASSERT_TRUE((*writer)->Append(std::string(bytes, '\0')).ok());
    }
    ASSERT_TRUE((*writer)->Finish().ok());
  }

  std::vector<TensorSpec> Specs(DType dtype) const {
    std::vector<TensorSpec> specs;
    for (const auto& [name, shape] : ModelTensors(config_)) specs.push_back({name, dtype, shape});
    return specs;
  }

  // Two shards of the model's tensors with an index that says so.
  Json WriteShards() {
    const std::vector<TensorSpec> all = Specs(DType::kF16);
    const auto middle = all.begin() + 5;
    WriteWeights("one.safetensors", {all.begin(), middle});
    WriteWeights("two.safetensors", {middle, all.end()});
    EXPECT_TRUE(RemoveAll(In("model.safetensors")).ok());
    Json index = {{"metadata", {{"total_size", 1}}}, {"weight_map", Json::object()}};
    for (auto spec = all.begin(); spec != all.end(); ++spec) {
      index["weight_map"][spec->name] = spec < middle ? "one.safetensors" : "two.safetensors";
    }
    WriteIndex(index);
    return index;
  }
  void WriteIndex(const Json& index) { Write(In("model.safetensors.index.json"), DumpJson(index)); }

  // Sets a key of the model's config.json.
  void SetConfig(const std::string& key, const Json& value) {
    Json config = *ReadJsonFile(In("config.json"));
    config[key] = value;
    Write(In("config.json"), DumpJson(config));
  }

  // The model's config.json with this end token, or none where `value` is null.
  void SetEndToken(const Json& value) { SetConfig("eos_token_id", value); }
  int64_t EndToken() const {
    const auto folder = OpenModelFolder(model_);
    EXPECT_TRUE(folder.ok()) << folder.status();
    if (!folder.ok()) return -1;
    EXPECT_EQ(folder->config.source["eos_token_id"], folder->config.eos_token_id);
    return folder->config.eos_token_id;
  }

  const ScratchFolder dir_;
  const ModelConfig config_;
  const std::string model_;
};

}  // namespace tune
