#include "recipe/model/check_tensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "absl/strings/str_cat.h"
#include "model_folder_fixture.h"

namespace tune {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class CheckTensorsTest : public ModelFolderTest {
 protected:
  // The model's weights, all zero, with these beside them.
  void WriteWith(const std::vector<TensorSpec>& others, DType dtype = DType::kF32) {
    std::vector<TensorSpec> all = Specs(dtype);
    all.insert(all.end(), others.begin(), others.end());
    WriteWeights("model.safetensors", all);
  }

  // Makes the model one whose head is tied, and stores the head as well.
  void TieAndStoreHead(DType head) {
    SetConfig("tie_word_embeddings", true);
    std::vector<TensorSpec> specs = Specs(DType::kF32);
    for (TensorSpec& spec : specs) {
      if (spec.name == "lm_head.weight") spec.dtype = head;
    }
    std::ranges::stable_sort(specs, std::greater(),
                             [](const TensorSpec& spec) { return DTypeBytes(spec.dtype); });
    WriteWeights("model.safetensors", specs);
  }

  // Overwrites a value of a tensor in model.safetensors.
  template <class Value>
  void SetValue(const std::string& tensor, int64_t index, Value value) {
    const int64_t begin =
        (*SafetensorsFile::Open(In("model.safetensors")))->tensors().at(tensor).offset;
    std::string bytes = *ReadFile(In("model.safetensors"));
    std::memcpy(bytes.data() + begin + index * sizeof(value), &value, sizeof(value));
    Write(In("model.safetensors"), bytes);
  }
};

TEST_F(CheckTensorsTest, BuffersArePassedOverWithOneNotice) {
  const std::string layer = "model.layers.0.self_attn.";
  WriteWith({{layer + "rotary_emb.inv_freq", DType::kF32, {2}},
             {"transformer.h.0.attn.bias", DType::kF32, {1, 1, 4, 4}},
             {layer + "masked_bias", DType::kF32, {}},
             {layer + "causal", DType::kBool, {1, 1, 4, 4}},
             {layer + "mask", DType::kU8, {4, 4}}});
  const auto folder = Open();
  ASSERT_TRUE(folder.ok()) << folder.status();
  EXPECT_EQ(folder->file_of.size(), ModelTensors(config_).size());
  EXPECT_THAT(folder->notices,
              ElementsAre(HasSubstr("model.layers.0.self_attn.causal and 4 more passed over: a "
                                    "buffer that older versions saved")));
}

TEST_F(CheckTensorsTest, AnUnknownWeightIsNoBuffer) {
  WriteWith({{"model.layers.0.self_attn.bias", DType::kF32, {8}},
             {"model.layers.0.mlp.fc3.weight", DType::kF32, {4, 4}},
             {"model.layers.1.mlp.absmax", DType::kU8, {16}}});
  EXPECT_THAT(Errors(Open().status()),
              ElementsAre("model.safetensors: tensor \"model.layers.0.mlp.fc3.weight\" is none "
                          "that config.json calls for",
                          HasSubstr("model.layers.0.self_attn.bias"),
                          HasSubstr("model.layers.1.mlp.absmax")));
}

TEST_F(CheckTensorsTest, ATiedHeadMayBeStoredAsWell) {
  for (const DType head : {DType::kF32, DType::kBF16}) {
    TieAndStoreHead(head);
    const auto folder = Open();
    ASSERT_TRUE(folder.ok()) << folder.status();
    EXPECT_FALSE(folder->file_of.contains("lm_head.weight"));
    EXPECT_THAT(folder->notices,
                ElementsAre("lm_head.weight is stored beside model.embed_tokens.weight, to which "
                            "config.json ties it, and is the same: read and exported once"));
  }
}

TEST_F(CheckTensorsTest, ATiedHeadThatDiffersIsRefusedByName) {
  TieAndStoreHead(DType::kF32);
  SetValue("lm_head.weight", 2 * 8 + 3, 1.0f);
  EXPECT_THAT(
      Errors(Open().status()),
      ElementsAre("model.safetensors: tensor \"lm_head.weight\" differs from "
                  "\"model.embed_tokens.weight\", first at [2, 3], though config.json has "
                  "tie_word_embeddings true, which makes them one: set it to false if the model "
                  "has a head of its own, else remove the tensor"));
}

TEST_F(CheckTensorsTest, WeightsMayBeOfSeveralFloatTypes) {
  std::vector<TensorSpec> specs = Specs(DType::kBF16);
  for (TensorSpec& spec : specs) {
    if (spec.name.find("layernorm") != std::string::npos) spec.dtype = DType::kF32;
  }
  std::ranges::stable_sort(specs, std::greater(),
                           [](const TensorSpec& spec) { return DTypeBytes(spec.dtype); });
  WriteWeights("model.safetensors", specs);
  const auto folder = Open();
  ASSERT_TRUE(folder.ok()) << folder.status();
  EXPECT_EQ(folder->dtype, DType::kBF16);
  EXPECT_THAT(folder->notices,
              ElementsAre("tensors of several types (4 F32, 15 BF16): trained in fp32 as always; "
                          "save_precision auto means BF16, the type of most values, for all"));
}

TEST_F(CheckTensorsTest, AValueThatIsNoNumberIsNamedWithItsPlace) {
  EXPECT_THAT(Open()->notices, IsEmpty());
  SetValue("model.layers.0.mlp.fc1.weight", 5 * 8 + 2, std::nanf(""));
  SetValue("lm_head.bias", 257, -std::numeric_limits<float>::infinity());
  EXPECT_THAT(
      Errors(Open().status()),
      ElementsAre(HasSubstr("model.safetensors: tensor \"model.layers.0.mlp.fc1.weight\" holds NaN "
                            "or an infinity, first at [5, 2]: "),
                  HasSubstr("tensor \"lm_head.bias\" holds NaN or an infinity, first at [257]")));
}

TEST_F(CheckTensorsTest, ABodyWithoutAHeadIsToldAsSuch) {
  SetConfig("architectures", {"PhiModel"});
  EXPECT_TRUE(Open().ok());  // the class of the config alone says nothing of the weights
  std::vector<TensorSpec> specs;
  for (TensorSpec& spec : Specs(DType::kF32)) {
    if (spec.name.rfind("model.", 0) != 0) continue;
    spec.name.erase(0, 6);
    specs.push_back(spec);
  }
  WriteWeights("model.safetensors", specs);
  EXPECT_THAT(Errors(Open().status()),
              ElementsAre("model.safetensors: holds a PhiModel, the body of a model without its "
                          "head (no \"model.\" before the names, no lm_head): push the "
                          "PhiForCausalLM that it was taken from"));
}

}  // namespace
}  // namespace tune
