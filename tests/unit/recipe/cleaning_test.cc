// What cleaning finds, what it leaves, and the bytes that it writes.
#include "recipe/cleaning/cleaning.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "recipe/cleaning/scripts.h"
#include "recipe/cleaning/survey.h"
#include "tests/support/scratch_folder.h"

namespace tune {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

constexpr char kWords[] = "one two three four five six seven eight nine ten eleven twelve";

class CleaningTest : public ::testing::Test {
 protected:
  // The numbers of the rows that stay, and in report_ why others do not.
  std::vector<int64_t> StayOf(const std::string& content, const CleaningOptions& options,
                              int64_t max_bad_rows = 0) {
    path_ = folder_.Write("data", content);
    const auto report = LookForUnwanted(path_, "d", {{}, max_bad_rows}, options);
    EXPECT_TRUE(report.ok()) << report.status();
    report_ = report.ok() ? *report : CleaningReport();
    std::vector<int64_t> stay;
    for (size_t i = 0; i < report_.stays.size(); ++i) {
      if (report_.stays[i]) stay.push_back(static_cast<int64_t>(i));
    }
    return stay;
  }
  std::string Written() {
    EXPECT_TRUE(WriteRowsThatStay(path_, "d", {}, report_, folder_ / "out").ok());
    return *ReadFile(folder_ / "out");
  }
  std::vector<std::string> WhyOf(Check check) {
    std::vector<std::string> why;
    for (const FoundRow& row : report_.checks.at(check).examples) {
      why.push_back(absl::StrCat(row.row, ": ", row.why));
    }
    return why;
  }

  ScratchFolder folder_;
  std::string path_;
  CleaningReport report_;
};

TEST_F(CleaningTest, ExactDuplicatesAreOfWhatIsRead) {
  const std::string rows =
      "{\"prompt\": \"a\", \"response\": \"b\", \"id\": 1}\n\n"
      "{ \"id\":2,\"response\":\"b\",  \"prompt\":\"a\"}\n"
      "{\"prompt\": \"a\", \"response\": \"B\"}\n"
      "{\"prompt\": \"a\", \"response\": \"b\", \"system\": \"s\"}\n"
      "{\"instruction\": \"a\", \"output\": \"b\"}\n"
      "{\"prompt\": \"c\", \"response\": \"b\"}\n";
  EXPECT_THAT(StayOf(rows, {.exact_duplicates = true}), ElementsAre(1, 4, 5, 7));
  EXPECT_THAT(WhyOf(Check::kExactDuplicates),
              ElementsAre("3: the same as row 1", "6: the same as row 1"));
  EXPECT_EQ(Written(),
            "{\"prompt\": \"a\", \"response\": \"b\", \"id\": 1}\n"
            "{\"prompt\": \"a\", \"response\": \"B\"}\n"
            "{\"prompt\": \"a\", \"response\": \"b\", \"system\": \"s\"}\n"
            "{\"prompt\": \"c\", \"response\": \"b\"}\n");
  EXPECT_THAT(StayOf(rows, {.row = {1, 0}}), ElementsAre(1, 3, 4, 5, 6, 7)) << "not asked for";
}

TEST_F(CleaningTest, RowsOfOtherFilesBecomeLines) {
  EXPECT_THAT(
      StayOf("[{\"text\": \"a\\n\",\n \"n\": 1e2},\n{\"text\": \"bcd\"}]", {.row = {.max = 2}}),
      ElementsAre(1));
  EXPECT_EQ(Written(), "{\"text\": \"a\\n\",  \"n\": 1e2}\n");
  EXPECT_THAT(StayOf("prompt,response\n1,\"a\nb\"\n", {.row = {.max = 9}}), ElementsAre(1));
  EXPECT_EQ(Written(), "{\"prompt\":\"1\",\"response\":\"a\\nb\"}\n");
}

TEST_F(CleaningTest, LengthsAreOfCharacters) {
  const std::string rows =
      "{\"prompt\": \"ééé\", \"response\": \"é\"}\n{\"prompt\": \"é\", \"response\": \"éé\"}\n";
  EXPECT_THAT(StayOf(rows, {.row = {.max = 3}}), ElementsAre(2));
  EXPECT_THAT(WhyOf(Check::kLength), ElementsAre("1: 4 characters"));
  EXPECT_THAT(StayOf(rows, {.answer = {.min = 2}}), ElementsAre(2));
  EXPECT_THAT(WhyOf(Check::kLength), ElementsAre("1: 1 character in its answers"));
}

TEST_F(CleaningTest, ScriptsAreThoseOfNineTenthsOfTheLetters) {
  const std::string rows =
      "{\"text\": \"Hello, 世! Twenty letters\"}\n{\"text\": \"Привет, world\"}\n"
      "{\"text\": \"1 + 1 = 2\"}\n";
  EXPECT_THAT(StayOf(rows, {.scripts = {"Latin"}}), ElementsAre(1, 3));
  EXPECT_THAT(WhyOf(Check::kScripts),
              ElementsAre("2: 45 % of its letters are of these scripts, most are Cyrillic"));
  EXPECT_THAT(CountScripts("aé Ωж世 5ー"),
              ElementsAre(Pair("Cyrillic", 1), Pair("Greek", 1), Pair("Han", 1), Pair("Latin", 2)));
  EXPECT_EQ(*ScriptNamed("cyrl"), "Cyrillic");
  EXPECT_THAT(std::string(ScriptNamed("Martian").status().message()), HasSubstr("is no script"));
}

TEST_F(CleaningTest, WhatAnEvaluationSetAsksIsFound) {
  const std::string eval = folder_.Write(
      "eval", absl::StrCat("{\"query\": \"", kWords, " thirteen fourteen\", \"gold\": 1}\n",
                           "{\"choices\": [\"It is a choice of just eight words\", \"b\"]}\n"));
  const auto row = [](const std::string& text) {
    return absl::StrCat("{\"text\": \"", text, "\"}\n");
  };
  EXPECT_THAT(StayOf(row(absl::StrCat("before, ", kWords, " Thirteen after")) +
                         row(absl::StrCat("before ", kWords, " after")) +
                         row("it is a choice of just eight words") + row("b"),
                     {.against = {eval}}),
              ElementsAre(2, 4));
  EXPECT_THAT(WhyOf(Check::kEvaluation), ElementsAre("1: has a passage of " + eval + ":1",
                                                     "3: has a passage of " + eval + ":2"));
  const std::string bad = folder_.Write("bad", "{\"a\": }\n");
  EXPECT_THAT(std::string(LookForUnwanted(path_, "d", {}, {.against = {bad}}).status().message()),
              HasSubstr(bad + ":1: line 1, column 7"));
}

TEST_F(CleaningTest, ASurveyTellsExactDuplicatesFromNearOnes) {
  const std::string text = absl::StrCat(kWords, " ", kWords, " 1 2 3 4 5 6 7");
  const auto row = [](const std::string& said) { return "{\"text\": \"" + said + "\"}\n"; };
  path_ = folder_.Write("data", row(text) + row(text + "!") + row(text) + row("else"));
  const auto survey = SurveyDataset(path_, "d", {});
  ASSERT_TRUE(survey.ok()) << survey.status();
  EXPECT_EQ(survey->duplicates, 1);
  EXPECT_EQ(survey->near_duplicates, 1);
}

TEST_F(CleaningTest, NoRowGoesForOneThatGoesItself) {
  const std::string text = absl::StrCat(kWords, " ", kWords, " 1 2 3 4 5 6 7");
  const std::string rows = absl::StrCat("{\"text\": \"", text, "!!!!!!!\"}\n{\"text\": \"", text,
                                        "\"}\n{\"text\": \"", text, "?\"}\n");
  EXPECT_THAT(
      StayOf(rows, {.near_duplicates = 0.8, .row = {.max = static_cast<int64_t>(text.size()) + 1}}),
      ElementsAre(2));
  EXPECT_THAT(WhyOf(Check::kNearDuplicates), ElementsAre("3: 1.00 like row 2"));
  EXPECT_EQ(report_.found, 2);
}

TEST_F(CleaningTest, MalformedRowsGoWhereThatIsAllowed) {
  const std::string rows = "{\"text\": \"a\"}\nnot a row\n{\"text\": \"a\"}\n";
  EXPECT_THAT(StayOf(rows, {.exact_duplicates = true}, 1), ElementsAre(1));
  EXPECT_EQ(report_.summary.bad_rows, 1);
  EXPECT_FALSE(LookForUnwanted(path_, "d", {}, {.exact_duplicates = true}).ok());
}

// A message of OpenAssistant's flat files; "" for no parent.
std::string FlatMessage(const std::string& tree, const std::string& id, const std::string& parent,
                        const std::string& text) {
  Json json = {{"message_id", id},
               {"parent_id", nullptr},
               {"message_tree_id", tree},
               {"role", parent.empty() ? "prompter" : "assistant"},
               {"text", text}};
  if (!parent.empty()) json["parent_id"] = parent;
  return DumpJson(json) + "\n";
}

TEST_F(CleaningTest, MessagesOfATreeGoAndStayTogether) {
  const std::string rows = FlatMessage("1", "1", "", "a") + FlatMessage("1", "2", "1", "b") +
                           FlatMessage("3", "3", "", "a") + FlatMessage("3", "4", "3", "b") +
                           FlatMessage("5", "5", "", "a") + FlatMessage("5", "6", "5", "c") +
                           FlatMessage("5", "7", "5", "d");
  EXPECT_THAT(StayOf(rows, {.exact_duplicates = true}), ElementsAre(1, 2, 5, 6, 7));
  EXPECT_THAT(WhyOf(Check::kExactDuplicates), ElementsAre("3: the same as row 1"));
  EXPECT_EQ(report_.found, 2);
}

TEST_F(CleaningTest, ExamplesAreTheFirst) {
  std::string rows;
  for (int i = 0; i < 9; ++i) absl::StrAppend(&rows, "{\"text\": \"", i / 2, "\"}\n");
  StayOf(rows, {.exact_duplicates = true});
  EXPECT_THAT(*ReadExamples(path_, "d", {}, report_),
              ElementsAre(Pair(2, "{\"text\": \"0\"}"), Pair(4, "{\"text\": \"1\"}"),
                          Pair(6, "{\"text\": \"2\"}")));
  EXPECT_EQ(report_.checks.at(Check::kExactDuplicates).rows, 4);
}

}  // namespace
}  // namespace tune
