#include "recipe/model/model_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmath>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/sha256.h"
#include "model_folder_fixture.h"
#include "recipe/model/end_token.h"
#include "recipe/model/model_files.h"

namespace tune {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

TEST_F(ModelFolderTest, WhatInitMakesOpens) {
  const auto folder = OpenModelFolder(model_);
  ASSERT_TRUE(folder.ok()) << folder.status();
  EXPECT_EQ(folder->dtype, DType::kF32);
  EXPECT_EQ(folder->config.hidden_size, 8);
  EXPECT_EQ(folder->file_of.size(), ModelTensors(config_).size());
  EXPECT_EQ(folder->Data("lm_head.bias").size(), 258 * 4);
  EXPECT_THAT(*ModelFiles(model_),
              ElementsAre("config.json", "generation_config.json", "model.safetensors",
                          "tokenizer.json", "tokenizer_config.json"));
}

std::vector<float> Floats(const ModelFolder& folder, const std::string& tensor) {
  const absl::string_view bytes = folder.Data(tensor);
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

TEST_F(ModelFolderTest, InitDrawsAsTransformersDoes) {
  const auto folder = OpenModelFolder(model_);
  ASSERT_TRUE(folder.ok()) << folder.status();
  EXPECT_THAT(Floats(*folder, "model.layers.0.input_layernorm.weight"), ::testing::Each(1.0f));
  EXPECT_THAT(Floats(*folder, "model.final_layernorm.weight"), ::testing::Each(1.0f));
  EXPECT_THAT(Floats(*folder, "model.layers.0.mlp.fc1.bias"), ::testing::Each(0.0f));
  double squares = 0;
  const auto weights = Floats(*folder, "model.layers.0.mlp.fc1.weight");  // 128 values
  for (const float w : weights) squares += w * w;
  EXPECT_NEAR(std::sqrt(squares / weights.size()), 0.02, 0.005);
  EXPECT_NE(weights, Floats(*folder, "model.layers.0.mlp.fc2.weight"));
}

TEST_F(ModelFolderTest, TheSameSeedGivesTheSameBytes) {
  const auto digest = [&](const std::string& name, int64_t seed) {
    EXPECT_TRUE(InitModelFolder(dir_ / name, config_, dir_ / "tokenizer.json", seed).ok());
    return *Sha256File(JoinPath(dir_ / name, "model.safetensors"));
  };
  const std::string first = *Sha256File(In("model.safetensors"));
  EXPECT_EQ(digest("again", 0), first);
  EXPECT_NE(digest("other", 1), first);
  // From tests/oracle/make_init_digest.py: a seed names a model, on every machine.
  EXPECT_EQ(first, "1733e5982e05f1793dd4cdb6b6f06f2c339c5f03dee55dc808afefc616f70598");
}

TEST_F(ModelFolderTest, InitLeavesThePaddingTokensEmbeddingZero) {
  ModelConfig config = config_;
  config.pad_token_id = 2;
  ASSERT_TRUE(InitModelFolder(dir_ / "padded", config, dir_ / "tokenizer.json", 0).ok());
  const auto folder = OpenModelFolder(dir_ / "padded");
  ASSERT_TRUE(folder.ok()) << folder.status();
  const auto rows = Floats(*folder, "model.embed_tokens.weight");
  for (int i = 0; i < 258 * 8; ++i) EXPECT_EQ(rows[i] == 0, i >= 16 && i < 24) << i;
}

TEST_F(ModelFolderTest, InitRefusesAFolderThatIsThere) {
  EXPECT_TRUE(absl::IsAlreadyExists(InitModelFolder(model_, config_, dir_ / "tokenizer.json", 0)));
}

TEST_F(ModelFolderTest, InitRefusesATokenizerThatDoesNotFit) {
  ModelConfig config = config_;
  config.vocab_size = 256;
  EXPECT_THAT(InitModelFolder(dir_ / "x", config, dir_ / "tokenizer.json", 0).message(),
              HasSubstr("has token id 256, but the config's vocab_size is 256"));
  config = config_;
  config.eos_token_id = 257;
  EXPECT_THAT(InitModelFolder(dir_ / "x", config, dir_ / "tokenizer.json", 0).message(),
              HasSubstr("has no token 257, the config's eos_token_id"));
  EXPECT_FALSE(Exists(dir_ / "x"));
}

TEST_F(ModelFolderTest, ReadsHalfPrecisionAndShards) {
  WriteShards();
  const auto folder = OpenModelFolder(model_);
  ASSERT_TRUE(folder.ok()) << folder.status();
  EXPECT_EQ(folder->dtype, DType::kF16);
  EXPECT_THAT(folder->files, SizeIs(2));
  EXPECT_THAT(
      *ModelFiles(model_),
      ElementsAre("config.json", "generation_config.json", "model.safetensors.index.json",
                  "one.safetensors", "tokenizer.json", "tokenizer_config.json", "two.safetensors"));
}

TEST_F(ModelFolderTest, AMissingShardIsNamed) {
  WriteShards();
  ASSERT_TRUE(RemoveAll(In("two.safetensors")).ok());
  EXPECT_THAT(Errors(OpenModelFolder(model_).status()),
              ElementsAre("two.safetensors: open: No such file or directory"));
  EXPECT_TRUE(absl::IsNotFound(ModelFiles(model_).status()));
}

TEST_F(ModelFolderTest, ATensorInTheWrongShardIsNamed) {
  Json index = WriteShards();
  index["weight_map"]["model.embed_tokens.weight"] = "two.safetensors";
  WriteIndex(index);
  const auto errors = Errors(OpenModelFolder(model_).status());
  EXPECT_THAT(errors, Contains("one.safetensors: holds tensor \"model.embed_tokens.weight\", which "
                               "model.safetensors.index.json places in two.safetensors"));
  EXPECT_THAT(errors, Contains("two.safetensors: lacks tensor \"model.embed_tokens.weight\", which "
                               "model.safetensors.index.json places there"));
}

TEST_F(ModelFolderTest, ATensorTheIndexDoesNotListIsNamed) {
  Json index = WriteShards();
  index["weight_map"].erase("model.embed_tokens.weight");
  WriteIndex(index);
  EXPECT_THAT(Errors(OpenModelFolder(model_).status()),
              Contains("one.safetensors: holds tensor \"model.embed_tokens.weight\", which "
                       "model.safetensors.index.json does not list"));
}

TEST_F(ModelFolderTest, AnIndexMayNotLeaveTheFolder) {
  Json index = WriteShards();
  index["weight_map"]["model.embed_tokens.weight"] = "../two.safetensors";
  WriteIndex(index);
  EXPECT_THAT(OpenModelFolder(model_).status().message(),
              HasSubstr("must name a file in this folder"));
}

TEST_F(ModelFolderTest, EveryTensorErrorAtOnce) {
  std::vector<TensorSpec> specs = Specs(DType::kF32);
  for (TensorSpec& spec : specs) {
    if (spec.name == "lm_head.bias") spec.shape = {259};
    if (spec.name == "model.final_layernorm.bias") spec.name = "extra";
    if (spec.name == "model.final_layernorm.weight") spec.dtype = DType::kI64;
  }
  std::stable_sort(specs.begin(), specs.end(), [](const TensorSpec& a, const TensorSpec& b) {
    return DTypeBytes(a.dtype) > DTypeBytes(b.dtype);
  });
  WriteWeights("model.safetensors", specs);
  EXPECT_THAT(Errors(OpenModelFolder(model_).status()),
              ElementsAre("model.safetensors: tensor \"model.final_layernorm.weight\" is I64, "
                          "must be F32, F16 or BF16",
                          "model.safetensors: lacks tensor \"model.final_layernorm.bias\" [8]",
                          "model.safetensors: tensor \"lm_head.bias\" has shape [259], config.json "
                          "calls for [258]",
                          "model.safetensors: tensor \"extra\" is none that config.json calls "
                          "for"));
}

TEST_F(ModelFolderTest, ErrorsOfAllFilesAtOnce) {
  Write(In("config.json"), R"({"model_type": "llama", "hidden_act": "relu"})");
  Write(In("model.safetensors"), absl::string_view("\x10\0\0\0\0\0\0\0{}", 10));
  Write(In("tokenizer.json"), "{");
  const auto status = OpenModelFolder(model_).status();
  const auto errors = Errors(status);
  ASSERT_THAT(errors, SizeIs(4)) << status;
  EXPECT_THAT(errors[0], HasSubstr("config.json:model_type: must be \"phi\""));
  EXPECT_THAT(errors[1], HasSubstr("config.json:hidden_act: "));
  EXPECT_THAT(errors[2], HasSubstr("model.safetensors: is truncated: 14 bytes of the header"));
  EXPECT_THAT(errors[3], HasSubstr("tokenizer.json: "));
  EXPECT_THAT(status.message(), HasSubstr(model_));
}

TEST_F(ModelFolderTest, JsonFilesOfAGigabyteAreNotRead) {
  WriteShards();
  for (const char* file : {"config.json", "tokenizer.json", "model.safetensors.index.json"}) {
    Write(In(file), "");
    ASSERT_EQ(truncate(In(file).c_str(), int64_t{1} << 30), 0);  // holes: no space is used
  }
  const std::string why = ": has 1073741824 bytes, the limit is 67108864; is it the right file?";
  EXPECT_THAT(Errors(OpenModelFolder(model_).status()),
              ElementsAre("config.json" + why, "model.safetensors.index.json" + why,
                          "tokenizer.json" + why));
}

TEST_F(ModelFolderTest, WhatIsNoFileIsNotWaitedFor) {
  const std::vector<std::string> files = {"config.json", "model.safetensors", "tokenizer.json"};
  for (const std::string& file : files) {
    ASSERT_TRUE(RemoveAll(In(file)).ok());
    ASSERT_EQ(mkfifo(In(file).c_str(), 0600), 0);
  }
  EXPECT_THAT(
      Errors(OpenModelFolder(model_).status()),
      ElementsAre("config.json: is no regular file", "model.safetensors: is no regular file",
                  "tokenizer.json: is no regular file"));
}

TEST_F(ModelFolderTest, ATokenizerThatDoesNotFitTheModel) {
  SetEndToken(257);
  EXPECT_THAT(Errors(OpenModelFolder(model_).status()),
              ElementsAre("config.json:eos_token_id: 257 is no token of tokenizer.json"));
}

TEST_F(ModelFolderTest, AnEndTokenThatTheConfigLacksComesFromGenerationConfig) {
  SetEndToken(nullptr);
  Write(In("generation_config.json"), R"({"eos_token_id": 65})");
  EXPECT_EQ(EndToken(), 65);
  Write(In("generation_config.json"), R"({"eos_token_id": [66, 256]})");
  EXPECT_EQ(EndToken(), 256);  // tokenizer_config.json's
  ASSERT_TRUE(RemoveAll(In("tokenizer_config.json")).ok());
  EXPECT_EQ(EndToken(), 66);
  SetEndToken(67);
  EXPECT_EQ(EndToken(), 67);
}

TEST_F(ModelFolderTest, ElseItComesFromTokenizerConfig) {
  SetEndToken(nullptr);
  for (const char* content : {"{}", R"({"eos_token_id": null})"}) {
    Write(In("generation_config.json"), content);
    EXPECT_EQ(EndToken(), 256);
  }
  ASSERT_TRUE(RemoveAll(In("generation_config.json")).ok());
  Write(In("tokenizer_config.json"), R"({"eos_token": {"content": "A", "lstrip": false}})");
  EXPECT_EQ(EndToken(), 65);
}

TEST_F(ModelFolderTest, OfSeveralEndTokensTheTokenizersIsAppended) {
  SetEndToken({65, 256});
  auto folder = Open();
  ASSERT_TRUE(folder.ok()) << folder.status();
  EXPECT_EQ(folder->config.eos_token_id, 256);
  EXPECT_THAT(folder->config.eos_token_ids, ElementsAre(65, 256));
  EXPECT_EQ(folder->config.source["eos_token_id"], Json({65, 256}));
  EXPECT_THAT(folder->notices,
              ElementsAre("config.json names 2 end tokens; training ends replies with 256, which "
                          "is tokenizer_config.json's eos_token; generation ends at any"));
  SetEndToken({65, 66});
  folder = Open();
  ASSERT_TRUE(folder.ok()) << folder.status();
  EXPECT_EQ(folder->config.eos_token_id, 65);
  EXPECT_THAT(folder->notices, ElementsAre(HasSubstr("with 65, the first of them")));
}

TEST_F(ModelFolderTest, TokensAreOpenedWithoutWeights) {
  SetEndToken({65, 256});
  Write(In("model.safetensors"), "");
  const auto tokens = OpenModelTokens(model_);
  ASSERT_TRUE(tokens.ok()) << tokens.status();
  EXPECT_EQ(tokens->config.eos_token_id, 256);
  EXPECT_THAT(tokens->tokenizer->Encode("A"), ElementsAre(65));
  Write(In("tokenizer.json"), "{");
  EXPECT_THAT(Errors(OpenModelTokens(model_).status()), ElementsAre(HasSubstr("tokenizer.json: ")));
}

TEST_F(ModelFolderTest, AListOfEndTokensIsChecked) {
  SetEndToken({65, 258});
  EXPECT_THAT(Errors(Open().status()),
              ElementsAre("config.json:eos_token_id: must be below vocab_size 258, got 258"));
  SetEndToken({65, "x"});
  EXPECT_THAT(Errors(Open().status()),
              ElementsAre(HasSubstr("config.json:eos_token_id: must be an integer")));
}

TEST_F(ModelFolderTest, RepliesEndAsTransformersEndsThem) {
  ModelConfig config = config_;
  config.eos_token_ids = {7};
  Write(In("generation_config.json"), R"({"eos_token_id": [66, 256]})");
  EXPECT_THAT(ReplyEnds(model_, config), ElementsAre(66, 256));
  Write(In("generation_config.json"), R"({"eos_token_id": 66})");
  EXPECT_THAT(ReplyEnds(model_, config), ElementsAre(66));
  Write(In("generation_config.json"), R"({"eos_token_id": "x"})");
  EXPECT_THAT(ReplyEnds(model_, config), ElementsAre(7));
  ASSERT_TRUE(RemoveAll(In("generation_config.json")).ok());
  EXPECT_THAT(ReplyEnds(model_, config), ElementsAre(7));
  config.eos_token_ids = {7, 8};
  EXPECT_THAT(ReplyEnds(model_, config), ElementsAre(7, 8));
}

TEST_F(ModelFolderTest, AModelWithoutAnEndTokenIsRefused) {
  SetEndToken(nullptr);
  Write(In("generation_config.json"), "{}");
  for (const char* content : {"{}", R"({"eos_token": null})"}) {
    Write(In("tokenizer_config.json"), content);
    EXPECT_THAT(Errors(OpenModelFolder(model_).status()),
                ElementsAre("config.json:eos_token_id: is required, since neither "
                            "generation_config.json nor tokenizer_config.json names an end token; "
                            "Phi's <|endoftext|> is 50256"));
  }
}

TEST_F(ModelFolderTest, AnEndTokenThatIsNoneIsNamedWithItsFile) {
  SetEndToken(nullptr);
  const auto error = [&](const std::string& file, const std::string& content) {
    Write(In(file), content);
    const auto errors = Errors(OpenModelFolder(model_).status());
    return errors.size() == 1 ? errors[0] : absl::StrCat(errors.size(), " errors");
  };
  EXPECT_EQ(error("generation_config.json", R"({"eos_token_id": 257})"),
            "generation_config.json:eos_token_id: 257 is no token of tokenizer.json");
  EXPECT_EQ(error("generation_config.json", R"({"eos_token_id": "end"})"),
            "generation_config.json:eos_token_id: must be an integer, got the string \"end\"");
  EXPECT_THAT(error("generation_config.json", "{"),
              HasSubstr("generation_config.json: line 1, column 2: "));
  Write(In("generation_config.json"), "{}");
  EXPECT_EQ(error("tokenizer_config.json", R"({"eos_token": "</s>"})"),
            "tokenizer_config.json:eos_token: the string \"</s>\" is no token of tokenizer.json");
}

TEST_F(ModelFolderTest, InitRefusesAConfigWithoutAnEndToken) {
  ModelConfig config = config_;
  config.eos_token_id = -1;
  EXPECT_EQ(InitModelFolder(dir_ / "x", config, dir_ / "tokenizer.json", 0).message(),
            "model config: eos_token_id: is required; Phi's <|endoftext|> is 50256");
}

TEST_F(ModelFolderTest, ManyErrorsAreCut) {
  WriteWeights("model.safetensors", {{"extra", DType::kF32, {1}}});
  Json config = *ReadJsonFile(In("config.json"));
  config["num_hidden_layers"] = 3;
  Write(In("config.json"), DumpJson(config));
  const auto errors = Errors(OpenModelFolder(model_).status());
  ASSERT_THAT(errors, SizeIs(21));
  EXPECT_THAT(errors.back(), HasSubstr("more errors"));
}

// A host that fails to read a file has not seen that the model is bad.
TEST_F(ModelFolderTest, AFileThatThisHostCannotReadIsNoErrorOfTheModel) {
  for (const char* file : {"config.json", "tokenizer.json"}) {
    const std::string path = In(file), kept = path + ".kept";
    ASSERT_EQ(rename(path.c_str(), kept.c_str()), 0);
    ASSERT_EQ(symlink(path.c_str(), path.c_str()), 0);  // a loop, which no open gets through
    const absl::Status status = OpenModelFolder(model_).status();
    EXPECT_TRUE(absl::IsInternal(status)) << status;
    EXPECT_THAT(status.message(), HasSubstr(path));
    ASSERT_EQ(rename(kept.c_str(), path.c_str()), 0);
  }
  EXPECT_TRUE(OpenModelFolder(model_).ok());
}

TEST_F(ModelFolderTest, MissingFilesAreNamed) {
  ASSERT_TRUE(RemoveAll(In("model.safetensors")).ok());
  Write(In("pytorch_model.bin"), "");
  EXPECT_THAT(OpenModelFolder(model_).status().message(),
              HasSubstr("model.safetensors: is missing, and so is model.safetensors.index.json; "
                        "the weights are pickled (pytorch_model.bin)"));
  EXPECT_THAT(ModelFiles(model_).status().message(), HasSubstr("pickled"));
  ASSERT_TRUE(RemoveAll(In("tokenizer.json")).ok());
  EXPECT_THAT(ModelFiles(model_).status().message(), HasSubstr("tokenizer.json: is missing"));
  EXPECT_TRUE(absl::IsNotFound(OpenModelFolder(dir_ / "none").status()));
}

}  // namespace
}  // namespace tune
