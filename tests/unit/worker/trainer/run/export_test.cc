#include "worker/trainer/run/export.h"
#include "recipe/model/model_family.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "base/files.h"
#include "recipe/model/model_init.h"
#include "run_fixture.h"
#include "tiny_model.h"

namespace tune::trainer {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

class ExportTest : public RunTest {
 protected:
  std::string Final(const std::string& name) const {
    return scratch_ / (name + "/checkpoints/final");
  }

  // A run that changes the weights, in one step.
  RunFolder OneStep() {
    RunFolder run = TinyRun(scratch_);
    run.spec.max_steps = 1;
    run.spec.warmup_ratio = 0;
    return run;
  }

  // Sets a key of the base model's config.json.
  void SetConfig(const std::string& key, const Json& value) {
    Json config = ParseJson(File("model/config.json")).value();
    config[key] = value;
    ASSERT_TRUE(WriteFileDurably(scratch_ / "model/config.json", DumpJson(config)).ok());
  }

  // Sets one value of a weight of the base model.
  void SetWeight(const std::string& name, float value) {
    const std::string path = "model/model.safetensors";
    int64_t place = 0;
    {
      const auto file = SafetensorsFile::Open(scratch_ / path).value();
      place = file->tensors().at(name).offset;
    }
    std::string bytes = File(path);
    bytes.replace(place, 4, std::string(reinterpret_cast<const char*>(&value), 4));
    ASSERT_TRUE(WriteFileDurably(scratch_ / path, bytes).ok());
  }
};

TEST_F(ExportTest, ShardsHoldWhatOneFileHolds) {
  RunFolder run = OneStep();
  ASSERT_TRUE(Start("one", run).ok());
  run.spec.max_shard_bytes = 20'000;
  ASSERT_TRUE(Start("many", run).ok());
  EXPECT_THAT(ListDirectory(Final("many")).value(), Not(Contains("model.safetensors")));
  const auto one = OpenModelFolder(Final("one")), many = OpenModelFolder(Final("many"));
  ASSERT_TRUE(many.ok()) << many.status();
  ASSERT_EQ(many->file_of.size(), one->file_of.size());
  int64_t bytes = 0;
  for (const auto& [name, file] : one->file_of) {
    EXPECT_TRUE(many->Data(name) == one->Data(name)) << name;
    bytes += static_cast<int64_t>(one->Data(name).size());
  }
  const Json index = ReadJsonFile(Final("many") + "/model.safetensors.index.json").value();
  EXPECT_EQ(index["metadata"]["total_size"], bytes);
  EXPECT_EQ(index["metadata"]["total_parameters"], bytes / 4);
  EXPECT_EQ(index["weight_map"].size(), one->file_of.size());
  ASSERT_GT(many->files.size(), 2u);
  for (const auto& file : many->files) {
    int64_t held = 0;
    for (const auto& [name, info] : file->tensors()) held += info.bytes;
    EXPECT_TRUE(held <= 20'000 || file->tensors().size() == 1);
  }
}

TEST_F(ExportTest, NoLimitNoShards) {
  RunFolder run = OneStep();
  run.spec.max_shard_bytes = 0;
  ASSERT_TRUE(Start("run", run).ok());
  EXPECT_THAT(ListDirectory(Final("run")).value(), Contains("model.safetensors"));
}

TEST_F(ExportTest, AShardedExportIsABaseModelAgain) {
  RunFolder run = OneStep();
  run.spec.max_shard_bytes = 20'000;
  ASSERT_TRUE(Start("first", run).ok());
  run.model_path = Final("first");
  run.spec.max_shard_bytes = 0;
  ASSERT_TRUE(Start("second", run).ok());
  EXPECT_THAT(ListDirectory(Final("second")).value(),
              Not(Contains("model.safetensors.index.json")));
  EXPECT_TRUE(OpenModelFolder(Final("second")).ok());
}

TEST_F(ExportTest, TiedHeadsAreWrittenOnce) {
  Json config = TinyConfigJson();
  config["tie_word_embeddings"] = true;
  const absl::Status made = InitModelFolder(scratch_ / "tied", ModelConfigFromJson(config).value(),
                                            scratch_ / "model.tokenizer.json", 3);
  ASSERT_TRUE(made.ok()) << made;
  RunFolder run = OneStep();
  run.model_path = scratch_ / "tied";
  ASSERT_TRUE(Start("run", run).ok());
  const auto folder = OpenModelFolder(Final("run"));
  ASSERT_TRUE(folder.ok()) << folder.status();
  EXPECT_FALSE(folder->file_of.contains("lm_head.weight"));
  EXPECT_TRUE(folder->file_of.contains("lm_head.bias"));
}

TEST_F(ExportTest, SavesInEachType) {
  for (const auto& [precision, dtype, name] :
       {std::tuple{"fp32", DType::kF32, "float32"}, std::tuple{"bf16", DType::kBF16, "bfloat16"},
        std::tuple{"fp16", DType::kF16, "float16"}}) {
    RunFolder run = OneStep();
    run.spec.save_precision = precision;
    ASSERT_TRUE(Start(precision, run).ok());
    const auto folder = OpenModelFolder(Final(precision));
    ASSERT_TRUE(folder.ok()) << folder.status();
    EXPECT_EQ(folder->dtype, dtype);
    EXPECT_EQ(folder->config.source["torch_dtype"], name);
  }
}

TEST_F(ExportTest, WeightsBeyondFp16AreRefusedByName) {
  SetWeight("model.layers.1.mlp.fc1.weight", -1e6f);
  RunFolder run = OneStep();
  run.spec.save_precision = "fp16";
  run.spec.max_steps = 3;
  EXPECT_FALSE(Start("fp16", run).ok());
  const std::string message = FailureMessage("fp16", "BadSpec");
  EXPECT_THAT(message, HasSubstr("step 1: model.layers.1.mlp.fc1.weight: a value of "));
  EXPECT_THAT(message, HasSubstr("beyond the range of F16, which save_precision asks for"));
  EXPECT_EQ(Events("fp16", "step").size(), 1u);
}

// Nothing of what was learned is lost: the run goes on from there in a type that holds it.
TEST_F(ExportTest, ARunBeyondFp16KeepsItsState) {
  SetWeight("model.layers.1.mlp.fc1.weight", -1e6f);
  RunFolder run = OneStep();
  run.spec.max_steps = 2;
  run.spec.save_precision = "fp16";
  EXPECT_FALSE(Start("run", run).ok());
  const auto kept = ListDirectory(scratch_ / "run/checkpoints").value();
  ASSERT_EQ(kept.size(), 1u);
  EXPECT_THAT(FailureMessage("run", "BadSpec"), HasSubstr(kept[0]));
  const auto folder = OpenModelFolder(scratch_ / ("run/checkpoints/" + kept[0]));
  ASSERT_TRUE(folder.ok()) << folder.status();
  EXPECT_EQ(folder->dtype, DType::kBF16);
  run.spec.save_precision = "fp32";
  run.resume_path = scratch_ / ("run/checkpoints/" + kept[0]);
  ASSERT_TRUE(Start("resumed", run).ok());
  ASSERT_TRUE(RemoveAll(scratch_ / "whole").ok());
  run.resume_path.clear();
  ASSERT_TRUE(Start("whole", run).ok());
  const std::string weights = "/checkpoints/final/model.safetensors";
  EXPECT_TRUE(File("resumed" + weights) == File("whole" + weights));
}

// One failure, the first rank's: it alone has all masters and can name the weight.
TEST_F(ExportTest, ARunOfSeveralRanksBeyondFp16EndsByName) {
  SetWeight("model.layers.1.mlp.fc1.weight", -1e6f);
  RunFolder run = OneStep();
  run.spec.save_precision = "fp16";
  run.spec.resources.device = "cpu";
  run.spec.resources.ranks = 2;
  ASSERT_TRUE(CreateDirectories(scratch_ / "run").ok());
  ASSERT_TRUE(WriteRunFolder(scratch_ / "run", run).ok());
  for (const absl::Status& end : EndsOfRanks("run", 2)) EXPECT_FALSE(end.ok());
  EXPECT_THAT(FailureMessage("run", "BadSpec"),
              HasSubstr("step 1: model.layers.1.mlp.fc1.weight: a value of "));
  EXPECT_EQ(ListDirectory(scratch_ / "run/checkpoints").value().size(), 1u);
}

TEST_F(ExportTest, ABaseModelWithAValueThatIsNoNumberIsRefusedBeforeTheFirstStep) {
  SetWeight("model.layers.1.mlp.fc1.weight", std::numeric_limits<float>::quiet_NaN());
  EXPECT_FALSE(Start("run", OneStep()).ok());
  EXPECT_THAT(FailureMessage("run", "BadModel"),
              HasSubstr("\"model.layers.1.mlp.fc1.weight\" holds NaN or an infinity, first at "
                        "[0, 0]"));
  EXPECT_TRUE(Events("run", "step").empty());
}

// fp16's greatest value, near which a weight in bf16 would be taken for one beyond.
TEST_F(ExportTest, TheGreatestValuesOfFp16AreSaved) {
  SetWeight("model.layers.1.mlp.fc1.weight", 65500);
  RunFolder run = OneStep();
  run.spec.learning_rate = 1e-9;
  run.spec.save_precision = "fp16";
  EXPECT_TRUE(Start("run", run).ok());
}

// Where nothing but tokenizer_config.json names the end token, as in microsoft/phi-1_5.
TEST_F(ExportTest, NamesTheEndTokenInEveryFile) {
  Json config = ParseJson(File("model/config.json")).value();
  config["bos_token_id"] = config["eos_token_id"] = nullptr;
  ASSERT_TRUE(WriteFileDurably(scratch_ / "model/config.json", DumpJson(config)).ok());
  for (const char* generation : {"", R"({"top_k": 5})", R"({"top_k": 5, "eos_token_id": null})"}) {
    const std::string path = scratch_ / "model/generation_config.json";
    ASSERT_TRUE((*generation == 0 ? RemoveAll(path) : WriteFileDurably(path, generation)).ok());
    ASSERT_TRUE(RemoveAll(scratch_ / "run").ok());
    ASSERT_TRUE(Start("run", OneStep()).ok());
    const Json exported = ReadJsonFile(Final("run") + "/config.json").value();
    EXPECT_EQ(exported["eos_token_id"], 256);
    EXPECT_TRUE(exported["bos_token_id"].is_null());
    const Json written = ReadJsonFile(Final("run") + "/generation_config.json").value();
    EXPECT_EQ(written["eos_token_id"], 256);
    EXPECT_FALSE(written.contains("bos_token_id"));
    EXPECT_EQ(written.contains("top_k"), *generation != 0);
    EXPECT_EQ(File("run/checkpoints/final/tokenizer_config.json"),
              File("model/tokenizer_config.json"));
  }
}

TEST_F(ExportTest, NamesTheEndTokenThatRepliesEndWithOverAnother) {
  const auto export_with = [&](const char* generation, const char* tokenizer) {
    const std::string model = scratch_ / "model/";
    ASSERT_TRUE(WriteFileDurably(model + "generation_config.json", generation).ok());
    ASSERT_TRUE(WriteFileDurably(model + "tokenizer_config.json", tokenizer).ok());
    ASSERT_TRUE(RemoveAll(scratch_ / "run").ok());
    ASSERT_TRUE(Start("run", OneStep()).ok());
  };
  export_with(R"({"eos_token_id": 65})", R"({"eos_token": "A"})");
  EXPECT_EQ(ReadJsonFile(Final("run") + "/generation_config.json").value()["eos_token_id"], 256);
  EXPECT_EQ(ReadJsonFile(Final("run") + "/tokenizer_config.json").value()["eos_token"],
            "<|endoftext|>");
  export_with(R"({"eos_token_id":[65,256]})", R"({"eos_token":{"content":"<|endoftext|>"}})");
  EXPECT_EQ(File("run/checkpoints/final/generation_config.json"), R"({"eos_token_id":[65,256]})");
  export_with(R"({"eos_token_id":[65,66]})", R"({"eos_token":{"content":"<|endoftext|>"}})");
  EXPECT_EQ(ReadJsonFile(Final("run") + "/generation_config.json").value()["eos_token_id"],
            Json({65, 66, 256}));
  EXPECT_EQ(File("run/checkpoints/final/tokenizer_config.json"),
            R"({"eos_token":{"content":"<|endoftext|>"}})");
}

TEST_F(ExportTest, AListOfEndTokensStaysOneAndTheRunSaysWhichItAppends) {
  SetConfig("eos_token_id", {65, 256});
  ASSERT_TRUE(RemoveAll(scratch_ / "model/generation_config.json").ok());
  ASSERT_TRUE(Start("run", OneStep()).ok());
  const auto notices = Events("run", "notice");
  ASSERT_EQ(notices.size(), 1u);
  EXPECT_THAT(notices[0]["text"].get<std::string>(),
              HasSubstr("names 2 end tokens; training ends replies with 256"));
  for (const char* file : {"/config.json", "/generation_config.json"}) {
    EXPECT_EQ(ReadJsonFile(Final("run") + file).value()["eos_token_id"], Json({65, 256}));
  }
}

TEST_F(ExportTest, TheClassOfTheWeightsIsNamedWhereTheBaseModelNamesNone) {
  for (const Json& architectures : {Json(), Json({"PhiModel"})}) {
    SetConfig("architectures", architectures);
    ASSERT_TRUE(RemoveAll(scratch_ / "run").ok());
    ASSERT_TRUE(Start("run", OneStep()).ok());
    EXPECT_EQ(ReadJsonFile(Final("run") + "/config.json").value()["architectures"],
              Json({"PhiForCausalLM"}));
  }
}

TEST_F(ExportTest, ATokenizerConfigOfItsOwnNamesTheEndToken) {
  ASSERT_TRUE(RemoveAll(scratch_ / "model/tokenizer_config.json").ok());
  ASSERT_TRUE(Start("run", OneStep()).ok());
  EXPECT_EQ(ReadJsonFile(Final("run") + "/tokenizer_config.json").value()["eos_token"],
            "<|endoftext|>");
}

TEST_F(ExportTest, CopiesTheTokenizersFilesAsTheyAre) {
  const std::vector<std::string> names = {
      "added_tokens.json",       "additional_chat_templates/tool_use.jinja",
      "chat_template.jinja",     "chat_template.json",
      "generation_config.json",  "merges.txt",
      "special_tokens_map.json", "tokenizer.model",
      "tokenizer_config.json",   "vocab.json"};
  ASSERT_TRUE(CreateDirectories(scratch_ / "model/additional_chat_templates").ok());
  for (const std::string& name : names) {
    const std::string content =
        "{ \"of\":\"" + name + R"(", "eos_token_id":256, "eos_token":"<|endoftext|>"})";
    ASSERT_TRUE(WriteFileDurably(scratch_ / ("model/" + name), content).ok());
  }
  ASSERT_TRUE(WriteFileDurably(scratch_ / "model/notes.txt", "not of the model").ok());
  ASSERT_TRUE(Start("run", OneStep()).ok());
  for (const std::string& name : names) {
    EXPECT_EQ(File("run/checkpoints/final/" + name), File("model/" + name));
  }
  EXPECT_EQ(File("run/checkpoints/final/tokenizer.json"), File("model/tokenizer.json"));
  EXPECT_FALSE(Exists(scratch_ / "run/checkpoints/final/notes.txt"));
}

}  // namespace
}  // namespace tune::trainer
