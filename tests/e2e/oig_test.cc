// OIG-small-chip2 as people have it: LAION's marked text, the hub's rows and LAION's text file give
// the same examples, and the README's run trains on all of them.
#include <gmock/gmock.h>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "tests/support/fleet_test.h"

namespace tune::testing {
namespace {

using ::testing::HasSubstr;

struct Exchange {
  const char* user;
  const char* bot;
};
constexpr Exchange kExchanges[] = {
    {"Name a nut.", "Hazel."}, {"And a herb?", "Thyme."}, {"1 plus 1?", "2"}, {"Hi", "Hello!"}};

class Oig : public FleetTest {
 protected:
  void SetUp() override {
    fleet_.StartScheduler();
    fleet_.StartWorker("cpu-1");
    PushTiny();
    std::string marked, rows, text;
    for (const auto& [user, bot] : kExchanges) {
      const Json laion = {{"text", absl::StrCat("\n<human>: ", user, "\n<bot>: ", bot)},
                          {"metadata", {{"source", "chip2"}}}};
      absl::StrAppend(&marked, DumpJson(laion), "\n");
      absl::StrAppend(&rows, DumpJson({{"user", user}, {"chip2", bot}}), "\n");
      absl::StrAppend(&text, "User: ", user, "\n\nChip2: ", bot, "<|endoftext|>\n");
    }
    Push("unified_chip2.jsonl", marked, "4 rows ok (format: marked_text)");
    Push("hub.jsonl", rows, "4 rows ok (format: user_chip2)");
    Push("chip2.txt", text, "4 rows ok (format: marked_text)");
  }
  // As a dataset of the file's name.
  void Push(const std::string& file, const std::string& content, const std::string& told) {
    ASSERT_TRUE(WriteFileDurably(folder_ / file, content).ok());
    EXPECT_THAT(Expect({"datasets", "push", file, folder_ / file}).out, HasSubstr(told));
  }
  Json Tokens(const std::string& dataset) {
    Json rows = fleet_.CtlJson({"datasets", "preview", dataset, "--model", "tiny", "--rows", "4"});
    Json tokens = Json::array();
    for (const Json& row : rows) tokens.push_back(row.at("tokens"));
    return tokens;
  }
};

TEST_F(Oig, AllItsFormsAreTheSameExamples) {
  const Json tokens = Tokens("hub.jsonl");
  EXPECT_EQ(tokens.size(), 4u);
  EXPECT_EQ(Tokens("unified_chip2.jsonl"), tokens);
  EXPECT_EQ(Tokens("chip2.txt"), tokens);
}

TEST_F(Oig, TheReadmesRunLearnsTheBotsWords) {
  const std::string job = folder_ / "job.yaml";
  ASSERT_TRUE(WriteFileDurably(job, R"(name: oig-chip2
model: tiny
datasets: [{dataset: unified_chip2.jsonl}, {dataset: hub.jsonl}, {dataset: chip2.txt}]
epochs: 2
learning_rate: 1e-5
weight_decay: 1e-4
batch_size: 4
max_length: 64
max_length_policy: truncate
resources: {device: cpu}
sample_prompts: ["Name a nut."]
)")
                  .ok());
  Expect({"submit", "-f", job, "--wait"});
  const Json described = Job("oig-chip2");
  EXPECT_EQ(described.at("state"), "SUCCEEDED");
  EXPECT_EQ(described.at("progress").at("step"), "6");
  for (const Json& use : described.at("data")) {
    EXPECT_EQ(use.at("used"), "4");
    EXPECT_EQ(use.at("target_tokens"), described.at("data")[0].at("target_tokens"));
  }
  Expect({"checkpoints", "pull", "oig-chip2", "-d", folder_ / "pulled"});
  EXPECT_THAT(*ReadFile(folder_ / "pulled/chat_template.jinja"), HasSubstr("\"User: \""));
  EXPECT_EQ(fleet_
                .Trainer({"generate", "--model", folder_ / "pulled", "--prompt", "Hi",
                          "--max-new-tokens", "4"})
                .exit_code,
            0);
}

}  // namespace
}  // namespace tune::testing
