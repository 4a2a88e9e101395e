// datasets preview and stats: what a person sees of rows before a job learns them.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/json.h"
#include "tests/support/paths.h"
#include "tunectl_fixture.h"

namespace tune::client {
namespace {

using ::testing::HasSubstr;

// Of the smallest model there is, a token is a byte, and 64 are a row's most.
class DatasetLook : public TunectlTest {
 protected:
  void SetUp() override {
    data_ =
        File("rows.jsonl",
             "{\"user\": \"Hi\", \"chip2\": \"Yes.\", \"id\": 1}\n"
             "{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}, {\"role\": "
             "\"assistant\", \"content\": \"bad\", \"weight\": 0}, {\"role\": \"user\", "
             "\"content\": \"b\"}, {\"role\": \"assistant\", \"content\": \"good\"}]}\n"
             "not a row\n"
             "{\"user\": \"What is the longest question of them all?\", \"chip2\": \"This.\"}\n");
  }
  // What is printed, the data's path as FILE.
  std::string Shown(std::vector<std::string> args) {
    args.insert(args.begin(), "datasets");
    args.insert(args.end(), {"--model", SourceFile("tests/support/tiny")});
    EXPECT_EQ(Run(args), 0) << err_;
    return absl::StrReplaceAll(out_, {{data_, "FILE"}});
  }

  std::string data_;
};

TEST_F(DatasetLook, PreviewShowsWhatIsLearned) {
  EXPECT_EQ(Shown({"preview", data_, "--max-length-policy", "truncate"}),
            "FILE:1  user_chip2  26 tokens, 6 learned\n"
            "User: Hi\n"
            "\n"
            "Assistant:[[ Yes.<|endoftext|>]]\n"
            "\n"
            "FILE:2  messages  51 tokens, 6 learned\n"
            "User: a\n"
            "\n"
            "Assistant: bad<|endoftext|>\n"
            "\n"
            "User: b\n"
            "\n"
            "Assistant:[[ good<|endoftext|>]]\n"
            "\n"
            "FILE:4  user_chip2  64 tokens, 5 learned  cut to 64 tokens\n"
            "User: What is the longest question of them all?\n"
            "\n"
            "Assistant:[[ This]]\n"
            "\n");
  EXPECT_THAT(err_, HasSubstr("what is learned stands in [[ and ]]\nid is not read (1 row)\n"));
  EXPECT_THAT(err_, HasSubstr("rows.jsonl:3:2: "));
}

// The template is the model's own, which takes no long questions.
TEST_F(DatasetLook, PreviewPassesOverRowsThatTheChatTemplateRefuses) {
  const std::string model = folder_ / "chatty";
  std::filesystem::copy(SourceFile("tests/support/tiny"), model);
  std::ofstream(model + "/chat_template.jinja")
      << "{% for m in messages %}{% if m.content|length > 9 %}{{ raise_exception('too much') }}"
         "{% endif %}{{ m.content }}{{ '<|endoftext|>' if m.role == 'assistant' }}{% endfor %}";
  EXPECT_EQ(Run({"datasets", "preview", data_, "--model", model, "--template", "chat"}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("Hi[[Yes.<|endoftext|>]]"));
  EXPECT_THAT(err_, HasSubstr("rows.jsonl:4: the chat template refuses it at line 1, column"));
  EXPECT_THAT(err_, HasSubstr("too much"));
}

TEST_F(DatasetLook, PreviewShowsTheRowThatIsAskedFor) {
  const std::string shown = Shown({"preview", data_, "--row", "2", "--template", "plain"});
  EXPECT_EQ(shown,
            "FILE:2  messages  13 tokens, 5 learned\n"
            "abad<|endoftext|>\n\nb[[good<|endoftext|>]]\n\n");
  const Json json = Json::parse(Shown({"preview", data_, "--row", "1", "-o", "json"}));
  EXPECT_EQ(json.at(0).at("form"), "user_chip2");
  EXPECT_EQ(json.at(0).at("tokens").back(),
            Json({{"id", 256}, {"text", "<|endoftext|>"}, {"learned", true}}));
  EXPECT_EQ(Run({"datasets", "preview", data_, "--row", "3", "--model",
                 SourceFile("tests/support/tiny")}),
            3);
  EXPECT_THAT(err_, HasSubstr("has no good row 3"));
}

TEST_F(DatasetLook, ASampleIsTheSameEachTime) {
  const std::string once = Shown({"preview", data_, "--sample", "2"});
  EXPECT_EQ(Shown({"preview", data_, "--sample", "2"}), once);
}

TEST_F(DatasetLook, StatsCountWhatIsLearned) {
  EXPECT_EQ(
      Shown({"stats", data_, "--max-length-policy", "drop"}),
      "FORM        ROWS  USED  TOKENS  LEARNED\n"
      "messages       1     1      51        6\n"
      "user_chip2     2     1      26        6\n"
      "all            3     2      77       12\n"
      "\n"
      "tokens a row, at most\n"
      "       64  ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━  2\n"
      "      128  ━━━━━━━━━━━━━━━━━━━━────────────────────  1  above max_length\n"
      "longest 66, max_length 64\n"
      "\n"
      "1 left out: more than 64 tokens\n"
      "1 malformed\n"
      "an epoch: 1 step of batch_size 64; a step has 1.0 micro-batches on average, each 2.0 rows "
      "and 77 tokens, the largest 77 of 4,096\n"
      "rows by script: Latin 3\n");
  const Json json = Json::parse(Shown({"stats", data_, "-o", "json"}));
  EXPECT_EQ(json.at("too_long"), 1);
  EXPECT_EQ(json.at("scripts"), Json({{"Latin", 3}}));
  EXPECT_EQ(json.at("near_duplicates"), 0);
  EXPECT_THAT(
      Shown({"stats", data_, "--batch-size", "1", "--packing", "false"}),
      HasSubstr("an epoch: 2 steps of batch_size 1; a step has 1.0 micro-batches on average, "
                "each 1.0 rows and 38 tokens, the largest 51 of 4,096\n"));
  const std::string again = File("again.jsonl", "{\"text\": \"1\"}\n{\"text\": \"1\", \"n\": 2}\n");
  EXPECT_EQ(Run({"datasets", "stats", again, "--model", SourceFile("tests/support/tiny")}), 0);
  EXPECT_THAT(out_, HasSubstr("rows by script: none 2\n1 say just what an earlier one says; "));
}

TEST_F(DatasetLook, AJobFileGivesTheSettings) {
  const std::string job =
      File("job.yaml", "model: m\ndatasets: [{dataset: d}]\ntemplate: plain\nmax_length: 8\n");
  EXPECT_THAT(Shown({"preview", data_, "--job", job, "--rows", "1"}),
              HasSubstr("7 tokens, 5 learned\nHi[[Yes.<|endoftext|>]]"));
}

TEST_F(DatasetLook, CleanTellsAndWritesWhatStays) {
  const std::string rows =
      "{\"user\": \"Hi\", \"chip2\": \"Yes.\"}\n"
      "{\"user\": \"Hi\", \"chip2\": \"Yes.\", \"id\": 2}\n"
      "{\"user\": \"Привет\", \"chip2\": \"Да.\"}\n";
  const std::string file = File("twice.jsonl", rows);
  EXPECT_EQ(Run({"datasets", "clean", file, "--exact-duplicates", "--scripts", "latin"}), 0)
      << err_;
  EXPECT_EQ(out_,
            "scripts           1 row\n"
            "  row 3: 0 % of its letters are of these scripts, most are Cyrillic  "
            "{\"user\": \"Привет\", \"chip2\": \"Да.\"}\n"
            "exact duplicates  1 row\n"
            "  row 2: the same as row 1  {\"user\": \"Hi\", \"chip2\": \"Yes.\", \"id\": 2}\n"
            "1 row would stay, 2 would go; --to FILE writes those that stay\n");
  const std::string to = folder_ / "clean.jsonl";
  EXPECT_EQ(Run({"datasets", "clean", file, "--near-duplicates", "--to", to}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("2 rows written to " + to + ", 1 left out\n"));
  EXPECT_EQ(*ReadFile(to), rows.substr(0, rows.find('\n') + 1) + rows.substr(rows.rfind('{')));
  EXPECT_EQ(Run({"datasets", "clean", file, "--exact-duplicates", "--to", file}), 1);
  EXPECT_THAT(err_, HasSubstr("is the file that is read; write to another"));
  EXPECT_EQ(Run({"datasets", "clean", file}), 1);
  EXPECT_THAT(err_, HasSubstr("say what to look for: --exact-duplicates"));
  EXPECT_EQ(Run({"datasets", "clean", file, "--scripts", "Martian"}), 1);
}

TEST_F(DatasetLook, SaysWhatItNeeds) {
  EXPECT_EQ(Run({"datasets", "preview", data_}), 1);
  EXPECT_THAT(err_, HasSubstr("say whose tokens: --model MODEL"));
}

}  // namespace
}  // namespace tune::client
