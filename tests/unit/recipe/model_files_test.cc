#include "recipe/model/model_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model_folder_fixture.h"

namespace tune {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;

constexpr char kPointer[] =
    "version https://git-lfs.github.com/spec/v1\n"
    "oid sha256:0000000000000000000000000000000000000000000000000000000000000000\nsize 5\n";

TEST_F(ModelFolderTest, EveryFileThatALoaderReadsIsTheModels) {
  const std::vector<std::string> read = {"additional_chat_templates/rag.jinja",
                                         "added_tokens.json",
                                         "chat_template.jinja",
                                         "chat_template.json",
                                         "generation_config.json",
                                         "merges.txt",
                                         "special_tokens_map.json",
                                         "tokenizer.json",
                                         "tokenizer.model",
                                         "tokenizer_config.json",
                                         "vocab.json",
                                         "vocab.txt"};
  ASSERT_TRUE(CreateDirectories(In("additional_chat_templates")).ok());
  for (const std::string& file : read) {
    if (!Exists(In(file))) Write(In(file), "{}");
  }
  EXPECT_THAT(*CopiedModelFiles(model_), ::testing::UnorderedElementsAreArray(read));
  EXPECT_THAT(*ModelFiles(model_), IsSupersetOf(read));
  EXPECT_THAT(*ModelFiles(model_), IsSupersetOf({"config.json", "model.safetensors"}));
}

TEST_F(ModelFolderTest, WhatStaysBehindIsNamed) {
  Write(In("README.md"), "");
  Write(In(".gitattributes"), "");
  ASSERT_TRUE(CreateDirectories(In("onnx")).ok());
  EXPECT_THAT(OtherFiles(model_), ElementsAre("README.md", "onnx/"));
}

TEST_F(ModelFolderTest, AGitLfsPointerIsNamedInsteadOfWhatFollowsFromIt) {
  for (const std::string file : {"tokenizer_config.json", "model.safetensors"}) {
    Write(In(file), kPointer);
    EXPECT_THAT(Errors(Open().status()),
                ::testing::Contains(file + ": is a Git LFS pointer, not the file; run git lfs pull "
                                           "in its folder, or download the file"));
  }
  EXPECT_THAT(Errors(Open().status()), ::testing::SizeIs(2));
}

TEST_F(ModelFolderTest, AnAdapterIsToldAsOne) {
  Write(In("adapter_config.json"), R"({"base_model_name_or_path": "microsoft/phi-2"})");
  EXPECT_TRUE(Open().ok());  // beside a whole model it is another file
  ASSERT_TRUE(RemoveAll(In("config.json")).ok());
  EXPECT_THAT(Errors(Open().status()),
              ElementsAre("adapter_config.json: this is an adapter of \"microsoft/phi-2\", no "
                          "model: merge it into that first (peft: merge_and_unload, then "
                          "save_pretrained) and push the result"));
}

TEST_F(ModelFolderTest, TheAuthorsOwnFormatIsToldAsOne) {
  Write(In("config.json"), R"({"model_type": "phi-msft", "activation_function": "gelu_new"})");
  EXPECT_THAT(
      Errors(Open().status()),
      ElementsAre(HasSubstr("config.json:model_type: \"phi-msft\" is the format of Phi from "
                            "before transformers had it: download the present revision")));
}

}  // namespace
}  // namespace tune
