// A check of a job's data that takes long: submit tells how far it is, and who goes away ends it.
#include <gmock/gmock.h>
#include <signal.h>

#include <filesystem>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "tests/support/fleet_test.h"
#include "tests/support/paths.h"

namespace tune::testing {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;

constexpr int kRows = 20'000;
// Some milliseconds of a fast processor a row: the check would take minutes.
constexpr char kSlowTemplate[] =
    "{% for i in range(10000) %}{% endfor %}{% for m in messages %}{{ m.content }}"
    "{% if m.role == 'assistant' %}<|endoftext|>{% endif %}{% endfor %}";

class LongCheck : public FleetTest {
 protected:
  void SetUp() override {
    fleet_.StartScheduler();
    const std::string model = folder_ / "model";
    Expect({"models", "init", "slow", "--config", SourceFile("deploy/demo/config.json"),
            "--tokenizer", SourceFile("deploy/demo/tokenizer.json"), "--dir", model});
    ASSERT_TRUE(WriteFileDurably(model + "/chat_template.jinja", kSlowTemplate).ok());
    Expect({"models", "push", "slow", model});
    Push("few", 3);
    Push("many", kRows);
  }
  void Push(const std::string& name, int rows) {
    std::string text;
    for (int i = 0; i < rows; ++i) {
      absl::StrAppend(&text, R"({"prompt": ")", i, R"(", "response": "b"})", "\n");
    }
    Expect({"datasets", "push", name, folder_.Write(name + ".jsonl", text)});
  }
  std::vector<std::string> Submit(const std::string& dataset) {
    return {"submit", "--model", "slow",  "--dataset",    dataset,
            "--name", dataset,   "--set", "template=chat"};
  }
  // Of the scheduler.
  bool Renders() {
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      const std::string stat = ReadFile(entry.path() / "stat").value_or("");
      const std::string parent = absl::StrCat(" ", fleet_.scheduler().pid(), " ");
      const size_t name_end = stat.rfind(')');
      if (name_end == stat.npos || !absl::StrContains(stat, "(tune-chat-templ")) continue;
      if (absl::StrContains(stat.substr(name_end, 3 + parent.size()), parent)) return true;
    }
    return false;
  }
};

TEST_F(LongCheck, IsToldOfAndEndsWithWhoAsked) {
  std::vector<std::string> argv = {Program("tunectl"), "--server", fleet_.address()};
  const std::vector<std::string> submit = Submit("many");
  argv.insert(argv.end(), submit.begin(), submit.end());
  const auto submitting = Process::Start(argv, folder_ / "submit");
  Await([&] { return absl::StrContains(submitting->Err(), "rows\n"); }, absl::Minutes(2));
  EXPECT_THAT(submitting->Err(), ContainsRegex("checking many: [0-9]+%, [0-9,]+ of 20,000 rows"));
  EXPECT_TRUE(Renders());
  Expect(Submit("few"));  // in the meantime
  submitting->Signal(SIGKILL);
  Await([&] { return !Renders(); });
  EXPECT_THAT(Expect({"list"}).out, ::testing::Not(HasSubstr("many")));
}

// The scheduler does not wait for it either.
TEST_F(LongCheck, EndsWithTheScheduler) {
  std::vector<std::string> argv = {Program("tunectl"), "--server", fleet_.address()};
  const std::vector<std::string> submit = Submit("many");
  argv.insert(argv.end(), submit.begin(), submit.end());
  const auto submitting = Process::Start(argv, folder_ / "submit");
  Await([&] { return Renders(); });
  fleet_.scheduler().Signal(SIGTERM);
  EXPECT_EQ(fleet_.scheduler().Wait(absl::Seconds(30)), 0);
  EXPECT_NE(submitting->Wait(absl::Seconds(30)), 0);
}

}  // namespace
}  // namespace tune::testing
