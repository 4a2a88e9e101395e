// A model folder's way through the service: what lies in it beside config and weights comes back
// in the pulled checkpoint as it was.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "base/files.h"
#include "base/json.h"
#include "tests/support/fleet.h"
#include "tests/support/paths.h"
#include "tests/support/scratch_folder.h"

namespace tune::testing {
namespace {

using ::testing::HasSubstr;

TEST(ModelFolder, WhatLoadersReadTravelsByteForByte) {
  const ScratchFolder folder;
  Fleet fleet{folder.path()};
  fleet.StartScheduler();
  fleet.StartWorker("cpu-1");
  const auto expect = [&](const std::vector<std::string>& args) {
    RunResult result = fleet.Ctl(args);
    EXPECT_EQ(result.exit_code, 0) << args[0] << "\n" << result.err << fleet.LogTails();
    return result;
  };
  const std::string model = folder / "model", pulled = folder / "pulled";
  expect({"models", "init", "m", "--config", SourceFile("deploy/demo/config.json"), "--tokenizer",
          SourceFile("deploy/demo/tokenizer.json"), "--dir", model});
  const int64_t end = ReadJsonFile(model + "/config.json").value()["eos_token_id"];
  std::map<std::string, std::string> files = {
      {"chat_template.jinja", "{% for m in messages %}{{ m }}\r\n{% endfor %}"},
      {"additional_chat_templates/rag.jinja", "{{ documents }}"},
      {"generation_config.json", "{ \"eos_token_id\" : [1, " + std::to_string(end) + "] }"},
      {"special_tokens_map.json", "{}"},
      {"tokenizer.model", std::string("\0\n\xff", 3)},
  };
  ASSERT_TRUE(CreateDirectories(model + "/additional_chat_templates").ok());
  for (const auto& [name, content] : files) {
    ASSERT_TRUE(WriteFileDurably(JoinPath(model, name), content).ok());
  }
  for (const char* name : {"tokenizer.json", "tokenizer_config.json"}) {
    files[name] = ReadFile(JoinPath(model, name)).value();
  }
  ASSERT_TRUE(WriteFileDurably(model + "/notes.txt", "mine").ok());
  EXPECT_THAT(expect({"models", "push", "m", model}).err,
              HasSubstr("note: not pushed, since no loader of the model reads it: notes.txt"));
  expect({"datasets", "push", "demo", SourceFile("deploy/demo/dataset.jsonl")});
  expect({"submit", "-f", SourceFile("deploy/demo/job.yaml"), "--model", "m", "--name", "j",
          "--set", "max_steps=1", "--wait"});
  expect({"checkpoints", "pull", "j", "-d", pulled});
  for (const auto& [name, content] : files) {
    EXPECT_EQ(ReadFile(JoinPath(pulled, name)).value_or("none"), content) << name;
  }
  EXPECT_FALSE(Exists(pulled + "/notes.txt"));
}

}  // namespace
}  // namespace tune::testing
