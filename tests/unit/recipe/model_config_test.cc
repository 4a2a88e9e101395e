#include "recipe/model/model_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "base/field_errors.h"
#include "recipe/model/model_family.h"
#include "tests/support/paths.h"

namespace tune {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Json Small() {
  return {{"architectures", {"PhiForCausalLM"}},
          {"model_type", "phi"},
          {"vocab_size", 100},
          {"hidden_size", 32},
          {"intermediate_size", 64},
          {"num_hidden_layers", 2},
          {"num_attention_heads", 4}};
}

std::string ErrorWith(const std::string& field, const Json& value) {
  Json json = Small();
  json[field] = value;
  const auto config = ModelConfigFromJson(json);
  return config.ok() ? "" : std::string(config.status().message());
}

TEST(ModelConfigFromJson, ReadsPhi2) {
  const std::string path = SharedData("model/phi-2/config.json");
  if (path.empty()) GTEST_SKIP() << "no test data: set TUNE_SHARED_DATA to its folder";
  const auto config = ModelConfigFromJson(*ReadJsonFile(path));
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->hidden_size, 2560);
  EXPECT_EQ(config->num_hidden_layers, 32);
  EXPECT_EQ(config->head_dim(), 80);
  EXPECT_EQ(config->rotary_dim(), 32);
  EXPECT_EQ(config->resid_pdrop, 0.1);
  EXPECT_EQ(config->eos_token_id, 50256);
  EXPECT_EQ(config->pad_token_id, -1);
  EXPECT_EQ(config->rope_theta, 10000);
  EXPECT_EQ(ParameterCount(*config), 2'779'683'840);
}

std::map<std::string, std::vector<int64_t>> ByName(const std::vector<NamedShape>& tensors) {
  std::map<std::string, std::vector<int64_t>> map;
  for (const auto& [name, shape] : tensors) map[name] = shape;
  return map;
}

// Lines such as "1: lm_head.weight shape: [51200, 2560]".
TEST(ModelTensors, AreThoseOfThePhi2Checkpoint) {
  const std::string shapes = SharedData("model/phi-2/tensor-shapes.approved.txt");
  const std::string config_path = SharedData("model/phi-2/config.json");
  if (shapes.empty()) GTEST_SKIP() << "no test data: set TUNE_SHARED_DATA to its folder";
  std::map<std::string, std::vector<int64_t>> expected;
  std::ifstream lines(shapes);
  for (std::string line; std::getline(lines, line);) {
    const std::vector<std::string> parts = absl::StrSplit(line, absl::ByAnyChar(":[],\r"));
    if (parts.size() < 4) continue;
    auto& shape = expected[std::string(*absl::StrSplit(parts[1], ' ', absl::SkipEmpty()).begin())];
    for (size_t i = 3; i < parts.size(); ++i) {
      int64_t size;
      if (absl::SimpleAtoi(parts[i], &size)) shape.push_back(size);
    }
  }
  EXPECT_EQ(expected.size(), 453);
  const auto tensors = ModelTensors(*ModelConfigFromJson(*ReadJsonFile(config_path)));
  EXPECT_EQ(tensors.size(), expected.size());
  EXPECT_EQ(ByName(tensors), expected);
}

TEST(ModelConfigFromJson, ReadsWhatTransformers5Writes) {
  Json json = Small();
  json["dtype"] = "float32";
  json["rope_parameters"] = {
      {"rope_theta", 500.0}, {"rope_type", "default"}, {"partial_rotary_factor", 0.25}};
  const auto config = ModelConfigFromJson(json);
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->rope_theta, 500);
  EXPECT_EQ(config->rotary_dim(), 2);
}

TEST(ModelConfigFromJson, WhatTheRopeObjectLacksComesFromBesideIt) {
  Json json = Small();
  json["rope_theta"] = 300.0;
  json["partial_rotary_factor"] = 1.0;
  json["rope_scaling"] = {{"type", "default"}};
  json["rope_parameters"] = {{"rope_theta", 500.0}};  // rope_scaling goes before it
  const auto config = ModelConfigFromJson(json);
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->rope_theta, 300);
  EXPECT_EQ(config->rotary_dim(), 8);
}

// As in transformers, for which an empty object is as none.
TEST(ModelConfigFromJson, AnEmptyRopeScalingHidesNoRopeParameters) {
  Json json = Small();
  json["rope_scaling"] = Json::object();
  json["rope_parameters"] = {{"rope_type", "yarn"}, {"factor", 4.0}};
  EXPECT_THAT(std::string(ModelConfigFromJson(json).status().message()),
              HasSubstr("rope_parameters.rope_type: must be \"default\""));
  json["rope_parameters"] = {{"rope_theta", 500.0}};
  EXPECT_EQ(ModelConfigFromJson(json)->rope_theta, 500);
}

TEST(ModelConfigFromJson, DefaultsAreTransformers) {
  const auto config = ModelConfigFromJson({{"model_type", "phi"}});
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->num_key_value_heads, 32);
  EXPECT_EQ(config->partial_rotary_factor, 0.5);
  EXPECT_FALSE(config->tie_word_embeddings);
}

TEST(ModelConfigFromJson, KeyValueHeadsFollowTheHeadsWhereAbsentOrNull) {
  EXPECT_EQ(ModelConfigFromJson(Small())->num_key_value_heads, 4);
  Json json = Small();
  json["num_key_value_heads"] = nullptr;
  EXPECT_EQ(ModelConfigFromJson(json)->num_key_value_heads, 4);
}

// No token is guessed: transformers' defaults, 1 and 2, are "\"" and "#" in Phi's tokenizer.
TEST(ModelConfigFromJson, TokenIdsThatAreAbsentOrNullAreNone) {
  Json json = Small();
  EXPECT_EQ(ModelConfigFromJson(json)->bos_token_id, -1);
  EXPECT_EQ(ModelConfigFromJson(json)->eos_token_id, -1);
  json["bos_token_id"] = json["eos_token_id"] = nullptr;
  EXPECT_EQ(ModelConfigFromJson(json)->bos_token_id, -1);
  EXPECT_EQ(ModelConfigFromJson(json)->eos_token_id, -1);
}

TEST(GenerationConfigOf, NamesTheTokensThatAreKnown) {
  ModelConfig config;
  config.eos_token_id = 7;
  EXPECT_FALSE(GenerationConfigOf(config).contains("bos_token_id"));
  EXPECT_EQ(GenerationConfigOf(config)["eos_token_id"], 7);
  config.bos_token_id = 5;
  EXPECT_EQ(GenerationConfigOf(config)["bos_token_id"], 5);
}

TEST(ModelConfigFromJson, RefusesWhatTheTrainerWouldNotDo) {
  EXPECT_THAT(ErrorWith("architectures", {"LlamaForCausalLM"}),
              HasSubstr("architectures: must be [\"PhiForCausalLM\"] or [\"PhiModel\"], the only "
                        "ones the trainer has, got the list [\"LlamaForCausalLM\"]"));
  EXPECT_THAT(ErrorWith("model_type", "phi3"), HasSubstr("model_type: must be \"phi\""));
  EXPECT_THAT(ErrorWith("hidden_act", "relu"),
              HasSubstr("hidden_act: must be one of \"gelu_new\", \"gelu_pytorch_tanh\""));
  EXPECT_THAT(ErrorWith("hidden_act", "gelu"), HasSubstr("got \"gelu\""));  // the exact function
  EXPECT_THAT(ErrorWith("rope_scaling", {{"type", "linear"}, {"factor", 2}}),
              HasSubstr("rope_scaling.type: must be \"default\""));
  EXPECT_THAT(ErrorWith("rope_parameters", {{"rope_type", "yarn"}}),
              HasSubstr("rope_parameters.rope_type: must be \"default\""));
  EXPECT_THAT(ErrorWith("num_attention_heads", 5),
              HasSubstr("num_attention_heads: must divide hidden_size 32, got 5"));
  EXPECT_THAT(ErrorWith("num_key_value_heads", 3),
              HasSubstr("num_key_value_heads: must divide num_attention_heads 4, got 3"));
  EXPECT_THAT(ErrorWith("partial_rotary_factor", 0.4), HasSubstr("which rotates 3"));
  EXPECT_THAT(ErrorWith("partial_rotary_factor", 0.1), HasSubstr("which rotates 0"));
  EXPECT_THAT(ErrorWith("head_dim", 16), HasSubstr("head_dim: must be hidden_size"));
  EXPECT_THAT(ErrorWith("bos_token_id", {1, 2}), HasSubstr("bos_token_id: must be one token id"));
  EXPECT_THAT(ErrorWith("eos_token_id", {1, 100}), HasSubstr("below vocab_size 100, got 100"));
  EXPECT_THAT(ErrorWith("eos_token_id", 100), HasSubstr("below vocab_size 100, got 100"));
  EXPECT_THAT(ErrorWith("quantization_config", {{"bits", 4}}), HasSubstr("is not supported"));
  EXPECT_EQ(ErrorWith("eos_token_id", {7}), "");
  EXPECT_EQ(ErrorWith("head_dim", 8), "");
  EXPECT_EQ(ErrorWith("rope_scaling", nullptr), "");
  EXPECT_EQ(ErrorWith("rope_scaling", Json::object()), "");
}

TEST(ModelConfigFromJson, TakesEveryNameOfTheSameFunction) {
  for (const char* name :
       {"gelu_new", "gelu_pytorch_tanh", "gelu_fast", "gelu_accurate", "gelu_python_tanh"}) {
    EXPECT_EQ(ErrorWith("hidden_act", name), "");
  }
}

TEST(ModelConfigFromJson, TheArchitectureMayBeLeftOutOrBeTheBodys) {
  for (const Json& value : {Json(), Json::array(), Json({"PhiModel"})}) {
    EXPECT_EQ(ErrorWith("architectures", value), "");
  }
}

// torch.nn.Embedding, which transformers hands it to, counts from the end.
TEST(ModelConfigFromJson, APaddingTokenOfMinusOneIsTheLastRow) {
  Json json = Small();
  json["pad_token_id"] = -1;
  EXPECT_EQ(ModelConfigFromJson(json)->pad_token_id, 99);
  json["pad_token_id"] = nullptr;
  EXPECT_EQ(ModelConfigFromJson(json)->pad_token_id, -1);
  EXPECT_THAT(ErrorWith("pad_token_id", -2), HasSubstr("pad_token_id"));
}

TEST(ModelConfigFromJson, SeveralEndTokensAreKept) {
  Json json = Small();
  json["eos_token_id"] = {3, 7};
  const auto config = ModelConfigFromJson(json);
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->eos_token_id, 3);
  EXPECT_THAT(config->eos_token_ids, ElementsAre(3, 7));
  EXPECT_EQ(ModelConfigToJson(*config)["eos_token_id"], Json({3, 7}));
  EXPECT_EQ(GenerationConfigOf(*config)["eos_token_id"], Json({3, 7}));
}

TEST(ModelConfigFromJson, ReportsEveryErrorAtOnce) {
  const auto status = ModelConfigFromJson({{"model_type", "llama"},
                                           {"hidden_act", "silu"},
                                           {"hidden_size", -1},
                                           {"rope_scaling", "x"}})
                          .status();
  std::vector<std::string> fields;
  for (const FieldError& e : FieldErrorsOf(status)) fields.push_back(e.field);
  EXPECT_THAT(fields, ElementsAre("model_type", "hidden_size", "hidden_act", "rope_scaling"));
}

TEST(ModelConfigFromJson, RefusesAFileOfSomethingElse) {
  EXPECT_THAT(ModelConfigFromJson(Json::object()).status().message(),
              HasSubstr("does not look like a Phi model's"));
  EXPECT_FALSE(ModelConfigFromJson("text").ok());
}

TEST(ModelTensors, FollowTheConfig) {
  Json json = Small();
  json["num_key_value_heads"] = 2;
  json["qk_layernorm"] = true;
  json["tie_word_embeddings"] = true;
  const auto tensors = ByName(ModelTensors(*ModelConfigFromJson(json)));
  EXPECT_THAT(tensors.at("model.layers.1.self_attn.k_proj.weight"), ElementsAre(16, 32));
  EXPECT_THAT(tensors.at("model.layers.1.self_attn.v_proj.bias"), ElementsAre(16));
  EXPECT_THAT(tensors.at("model.layers.0.self_attn.q_layernorm.weight"), ElementsAre(8));
  EXPECT_THAT(tensors.at("model.layers.0.self_attn.k_layernorm.bias"), ElementsAre(8));
  EXPECT_FALSE(tensors.contains("lm_head.weight"));
  EXPECT_THAT(tensors.at("lm_head.bias"), ElementsAre(100));
}

TEST(ModelTensors, ComeAsAForwardPassMeetsThem) {
  Json json = Small();
  json["num_hidden_layers"] = 11;
  std::vector<std::string> pieces;
  for (const auto& [name, shape] : ModelTensors(*ModelConfigFromJson(json))) {
    const std::vector<std::string> parts = absl::StrSplit(name, '.');
    const std::string piece = parts[1] == "layers" ? parts[2] : parts[parts[0] == "model" ? 1 : 0];
    if (pieces.empty() || pieces.back() != piece) pieces.push_back(piece);
  }
  EXPECT_THAT(pieces, ElementsAre("embed_tokens", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9",
                                  "10", "final_layernorm", "lm_head"));
}

TEST(ModelConfigToJson, ReadsBackAsTheSameConfig) {
  Json json = Small();
  json["resid_pdrop"] = 0.1;
  json["made_by"] = "someone";
  json["rope_parameters"] = {{"rope_theta", 500.0}, {"partial_rotary_factor", 0.25}};
  const auto config = ModelConfigFromJson(json);
  const Json written = ModelConfigToJson(*config);
  EXPECT_EQ(written["made_by"], "someone");
  EXPECT_EQ(written["max_position_embeddings"], 2048);
  EXPECT_FALSE(written.contains("pad_token_id"));
  const auto again = ModelConfigFromJson(written);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->rope_theta, 500);
  EXPECT_EQ(again->rotary_dim(), 2);
  EXPECT_EQ(again->resid_pdrop, 0.1);
}

TEST(ModelConfigToJson, WritesAConfigMadeInMemory) {
  ModelConfig config;
  config.rope_theta = 700;
  const auto again = ModelConfigFromJson(ModelConfigToJson(config));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->rope_theta, 700);
}

}  // namespace
}  // namespace tune
