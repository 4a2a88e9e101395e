// Each form of a dataset's rows, and what is said of what is not read.
#include "recipe/data/forms.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/files.h"
#include "recipe/data/dataset.h"
#include "tests/support/paths.h"
#include "tests/support/scratch_folder.h"
#include "turns.h"

namespace tune {

void PrintTo(const Turn& turn, std::ostream* out) {
  *out << turn.prompt << " -> " << turn.response;
}

namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

class FormsTest : public ::testing::Test {
 protected:
  void Read(const std::string& content, const Columns& columns = {}) {
    rows_.clear();
    const auto summary = ReadDataset(folder_.Write("data", content), "d",
                                     [&](int64_t, const Row& row) {
                                       rows_.push_back(row);
                                       return absl::OkStatus();
                                     },
                                     {columns});
    EXPECT_TRUE(summary.ok()) << summary.status();
    summary_ = summary.ok() ? *summary : DatasetSummary();
  }
  std::string ErrorOf(const std::string& content, const Columns& columns = {}) {
    folder_.Write("data", content);
    const auto any = [](int64_t, const Row&) { return absl::OkStatus(); };
    return std::string(ReadDataset(folder_ / "data", "d", any, {columns}).status().message());
  }
  // The only row's turns.
  std::vector<Turn> TurnsOf(const std::string& content, const Columns& columns = {}) {
    Read(content, columns);
    EXPECT_THAT(rows_, SizeIs(1));
    return rows_.empty() ? std::vector<Turn>() : Turns(rows_[0]);
  }

  ScratchFolder folder_;
  std::vector<Row> rows_;
  DatasetSummary summary_;
};

struct FormCase {
  const char* form;
  const char* row;
  std::vector<Turn> turns;
  const char* system = "";
};

class EachFormTest : public FormsTest, public ::testing::WithParamInterface<FormCase> {};

TEST_P(EachFormTest, IsRead) {
  const FormCase& form = GetParam();
  EXPECT_EQ(TurnsOf(form.row), form.turns);
  EXPECT_EQ(summary_.FormText(), form.form);
  EXPECT_EQ(rows_.at(0).system, form.system);
  EXPECT_EQ(rows_.at(0).form, form.form);
}

const FormCase kForms[] = {
    {"user_chip2", R"({"user": "a", "chip2": "b"})", {{"a", "b"}}},
    {"instruction", R"({"instruction": "a", "input": "i", "output": "b"})", {{"a+i", "b"}}},
    {"instruction",
     R"({"instruction": "a", "input": "", "output": "b", "system_prompt": "s"})",
     {{"a", "b"}},
     "s"},
    {"instruction", R"({"instruction": "a", "context": "i", "response": "b"})", {{"a+i", "b"}}},
    {"prompt_response", R"({"prompt": "a", "completion": "b"})", {{"a", "b"}}},
    {"prompt_response", R"({"prompt": "a", "context": "i", "response": "b"})", {{"a+i", "b"}}},
    {"prompt_response",
     R"({"prompt": [{"role": "user", "content": "a"}],)"
     R"( "completion": [{"role": "assistant", "content": "b"}]})",
     {{"a", "b"}}},
    {"question_response",
     R"({"id": "", "system_prompt": "s", "question": "a", "response": "b"})",
     {{"a", "b"}},
     "s"},
    {"question_answer", R"({"question": "a", "context": "i", "answer": "b"})", {{"a+i", "b"}}},
    {"inputs_targets", R"({"inputs": "a", "targets": "b"})", {{"a", "b"}}},
    {"input_output", R"({"input": "a", "output": "b"})", {{"a", "b"}}},
    {"strings", R"({"id": "0", "data": ["a", "b", "c", "d"]})", {{"a", "b"}, {"c", "d"}}},
    {"conversations",
     R"({"system": "s", "conversations": [{"from": "human", "value": "a"},)"
     R"( {"from": "gpt", "value": "b"}]})",
     {{"a", "b"}},
     "s"},
    {"conversations",
     R"({"conversations": [{"role": "user", "content": "a"}, {"role": "model", "content": "b"}]})",
     {{"a", "b"}}},
    {"conversations",
     R"({"conversations": "[{\"from\": \"human\", \"value\": \"a\"},)"
     R"( {\"from\": \"bing\", \"value\": \"b\"}]"})",
     {{"a", "b"}}},
    {"messages",
     R"({"messages": [{"role": "developer", "content": "s"}, {"role": "human", "content": )"
     R"([{"type": "text", "text": "a"}, {"type": "text", "text": "!"}]},)"
     R"( {"role": "ai", "content": "b"}]})",
     {{"a!", "b"}},
     "s"},
    {"instances",
     R"({"instruction": "a", "instances": [{"input": "i", "output": "b"}]})",
     {{"a+i", "b"}}},
    {"preference", R"({"prompt": "a", "chosen": "b", "rejected": "x"})", {{"a", "b"}}},
    {"preference",
     R"({"chosen": "\n\nHuman: a\n\nAssistant: b", "rejected": "\n\nHuman: a\n\nAssistant: x"})",
     {{"a", "b"}}},
    {"preference",
     R"({"chosen": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}],)"
     R"( "rejected": []})",
     {{"a", "b"}}},
    {"preference",
     R"({"conversations": [{"from": "human", "value": "a"}],)"
     R"( "chosen": {"from": "gpt", "value": "b"}, "rejected": {"from": "gpt", "value": "x"}})",
     {{"a", "b"}}},
    {"marked_text",
     R"({"text": "\n<human>: a\n<bot>: b\n<human>: c\n<bot>: d<|endoftext|>", "metadata": {}})",
     {{"a", "b"}, {"c", "d"}}},
    {"marked_text",
     R"({"text": "Background: s\n<human>: a\n<bot>: b"})",
     {{"a", "b"}},
     "Background: s"},
    {"marked_text", R"({"text": "User: a\nRosey: b\n"})", {{"a", "b"}}},
    {"marked_text", R"({"text": "### Human: a: b?### Assistant: b"})", {{"a: b?", "b"}}},
    {"text", R"({"text": "The user: a person who uses."})", {{"", "The user: a person who uses."}}},
};

INSTANTIATE_TEST_SUITE_P(Forms, EachFormTest, ::testing::ValuesIn(kForms));

// recipe/data/README.md has the table; what it should say is printed where it does not.
TEST(FormsReference, IsThatOfTheTable) {
  const std::string text = ReadFile(SourceFile("recipe/data/README.md")).value();
  for (const Form& form : Forms()) {
    const std::string row = absl::StrCat("| `", form.name, "` | ",
                                         absl::StrReplaceAll(DescribeParts(form), {{"\"", "`"}}),
                                         " | ", form.known_as, " |\n");
    EXPECT_TRUE(absl::StrContains(text, row)) << "add: " << row;
  }
}

TEST_F(FormsTest, RowsOfSeveralFormsAreCounted) {
  Read(R"({"text": "x"}
          {"user": "a", "chip2": "b"}
          {"user": "c", "chip2": "d"})");
  EXPECT_EQ(summary_.FormText(), "user_chip2 2, text 1");
}

TEST_F(FormsTest, ColumnsSayWhichKeyIsWhat) {
  EXPECT_THAT(TurnsOf(R"({"Q": "a", "A": "b", "prompt": "x", "response": "y"})",
                      {{"prompt", "Q"}, {"response", "A"}}),
              ElementsAre(Turn{"a", "b"}));
  EXPECT_THAT(TurnsOf(R"({"log": [{"who": "user", "says": "a"}, {"who": "bot", "says": "b"}]})",
                      {{"messages", "log"}, {"role", "who"}, {"content", "says"}}),
              ElementsAre(Turn{"a", "b"}));
  EXPECT_THAT(TurnsOf(R"({"body": "Q: a\nA: b\nQ: c\nA: d"})",
                      {{"text", "body"}, {"user_marker", "Q:"}, {"bot_marker", "A:"}}),
              ElementsAre(Turn{"a", "b"}, Turn{"c", "d"}));
  EXPECT_THAT(ErrorOf(R"({"prompt": "a", "response": "b"})", {{"prompt", "Q"}, {"response", "A"}}),
              HasSubstr("expected \"Q\" and \"A\", as columns says"));
}

TEST_F(FormsTest, ARefusedRowNamesTheColumnsThatWouldReadIt) {
  EXPECT_THAT(ErrorOf(R"({"Query": "a", "Reply": "b", "n": 1})"),
              HasSubstr("--columns prompt=Query,response=Reply would read it"));
}

TEST_F(FormsTest, AProblemIsNamedInItsOwnList) {
  const auto asked = [](const std::string& prompt, const std::string& answer) {
    return absl::StrCat(R"({"prompt": )", prompt, R"(, "completion": )", answer, "}");
  };
  const std::string user = R"([{"role": "user", "content": "a"}])";
  EXPECT_THAT(ErrorOf(asked(R"([{"role": "user"}])", R"([{"role": "assistant", "content": "b"}])")),
              HasSubstr("prompt[0].content: is missing"));
  EXPECT_THAT(ErrorOf(asked(user, R"([{"role": "assistant", "content": 5}])")),
              HasSubstr("completion[0].content: must be a text"));
  EXPECT_THAT(ErrorOf(asked(user, R"(" ")")), HasSubstr("completion: is empty"));
  EXPECT_THAT(ErrorOf(asked(user, user)), HasSubstr("completion: has no assistant message"));
  EXPECT_THAT(ErrorOf(asked(user, R"([{"role": "system", "content": "s"}])")),
              HasSubstr("completion[0].role: a system message can only be the first"));
  EXPECT_THAT(ErrorOf(R"({"prompt": "a", "chosen": {"role": "assistant"}, "rejected": "x"})"),
              HasSubstr("chosen.content: is missing"));
}

TEST_F(FormsTest, KeysThatAreNotReadAreCounted) {
  Read(R"({"question": "a", "answer": "b", "options": ["x"], "id": 1, "note": "", "tags": []}
          {"question": "a", "answer": "b", "options": ["y"], "id": null})");
  EXPECT_THAT(summary_.Notes(),
              ElementsAre("id is not read (1 row)", "options is not read (2 rows)"));
  Read(R"({"messages": [{"role": "user", "content": "a", "name": "Ann"},)"
       R"( {"role": "assistant", "content": "b"}, {"role": "user", "content": "thanks"}]})");
  EXPECT_THAT(summary_.Notes(),
              ElementsAre("messages: messages after the last answer is not read (1 row)",
                          "messages[].name is not read (1 row)"));
}

TEST_F(FormsTest, TheChosenSideIsTold) {
  Read(R"({"prompt": "a", "chosen": "b", "rejected": "x"})");
  EXPECT_THAT(summary_.Notes(),
              ElementsAre("of 1 pair the chosen answer is learned, the rejected one passed over"));
}

TEST_F(FormsTest, MarksOfMessagesAreHonoured) {
  for (const char* mark :
       {R"("weight": 0)", R"("train": false)", R"("loss": false)", R"("training": false)"}) {
    Read(absl::StrCat(R"({"messages": [{"role": "user", "content": "a"},)"
                      R"( {"role": "assistant", "content": "b", )",
                      mark,
                      R"(}, {"role": "user", "content": "c"},)"
                      R"( {"role": "assistant", "content": "d", "weight": 1}]})"));
    ASSERT_THAT(rows_, SizeIs(1));
    EXPECT_FALSE(rows_[0].messages[1].learned) << mark;
    EXPECT_TRUE(rows_[0].messages[3].learned) << mark;
    EXPECT_THAT(summary_.Notes(), IsEmpty());
  }
  const auto marked = [](const std::string& mark) {
    return absl::StrCat(R"({"messages": [{"role": "user", "content": "a"},)"
                        R"( {"role": "assistant", "content": "b", )",
                        mark, "}]}");
  };
  EXPECT_THAT(ErrorOf(marked(R"("weight": 0.5)")),
              HasSubstr("messages[1].weight: must be 0 or 1, got the number 0.5"));
  EXPECT_THAT(ErrorOf(marked(R"("train_detail": [{"begin_offset": 0}])")),
              HasSubstr("messages[1].train_detail: marks a part of a message"));
}

TEST_F(FormsTest, BadAnswersAreNotLearned) {
  EXPECT_THAT(ErrorOf(R"({"prompt": "a", "completion": "b", "label": false})"),
              HasSubstr("label: is false: the answer is a bad one"));
  Read(R"({"prompt": "a", "completion": "b", "label": true})");
  EXPECT_THAT(summary_.Notes(), IsEmpty());
  Read(R"({"prompt": "a", "completion": "b", "label": 3})");
  EXPECT_THAT(summary_.Notes(), ElementsAre("label is not read (1 row)"));
  EXPECT_THAT(ErrorOf(R"({"prompt": "a", "response": "b", "weight": 0.3})"),
              HasSubstr("weight: must be 1, got the number 0.3"));
}

TEST_F(FormsTest, HistoryAndToolsAreUsed) {
  EXPECT_THAT(TurnsOf(R"({"instruction": "Shorter.", "output": "d", "history": [["a", "b"]]})"),
              ElementsAre(Turn{"a", "b"}, Turn{"Shorter.", "d"}));
  EXPECT_THAT(ErrorOf(R"({"instruction": "a", "output": "d", "history": ["a", "b"]})"),
              HasSubstr("history: must be a list of [question, answer] pairs"));
  Read(R"({"instruction": "a", "output": "b", "tools": "[{\"name\": \"now\"}]"})");
  EXPECT_EQ(rows_.at(0).tools, Json::parse(R"([{"name": "now"}])"));
}

TEST_F(FormsTest, ToolCallsAreRead) {
  Read(R"({"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": null,)"
       R"( "tool_calls": [{"id": "1", "type": "function", "function": {"name": "now",)"
       R"( "arguments": "{\"zone\": \"UTC\"}"}}]}, {"role": "tool", "content": "noon"},)"
       R"( {"role": "assistant", "content": "Noon."}]})");
  ASSERT_THAT(rows_, SizeIs(1));
  ASSERT_THAT(rows_[0].messages, SizeIs(4));
  EXPECT_EQ(rows_[0].messages[1].tool_calls,
            Json::parse(R"([{"name": "now", "arguments": {"zone": "UTC"}}])"));
  EXPECT_EQ(rows_[0].messages[2].role, Role::kTool);
}

TEST_F(FormsTest, PicturesAreRefused) {
  EXPECT_THAT(ErrorOf(R"({"messages": [{"role": "user", "content": [{"type": "image_url"}]},)"
                      R"( {"role": "assistant", "content": "b"}]})"),
              HasSubstr("messages[0].content[0]: is of type \"image_url\"; a text model"));
}

TEST_F(FormsTest, ATaskOfSeveralInstancesIsSeveralRows) {
  Read(R"({"instruction": "a", "instances": [{"input": "1", "output": "b"}, {"output": "c"}]})");
  ASSERT_THAT(rows_, SizeIs(2));
  EXPECT_THAT(Turns(rows_[0]), ElementsAre(Turn{"a+1", "b"}));
  EXPECT_THAT(Turns(rows_[1]), ElementsAre(Turn{"a", "c"}));
  EXPECT_EQ(summary_.rows, 2);
}

TEST_F(FormsTest, TextThatLooksLikeADialogueIsToldOf) {
  Read(R"({"text": "Q: a\nA: b"}
          {"text": "Once."})");
  EXPECT_EQ(summary_.FormText(), "text");
  EXPECT_THAT(summary_.Notes(), ElementsAre(StartsWith("1 text looks like a dialogue (\"Q:\" … "
                                                       "\"A:\"), and all of it is learned")));
}

TEST_F(FormsTest, ADialogueThatTheBotBeginsIsRefused) {
  EXPECT_THAT(ErrorOf(R"({"text": "<bot>: b\n<human>: a\n<bot>: c"})"),
              HasSubstr("text: must be a dialogue that \"<human>:\" begins"));
}

// Each of a few megabytes; a search to the end for each line or turn would take minutes.
TEST_F(FormsTest, LongTextsTakeLinearTime) {
  std::string lines, questions = "User: a\n";
  for (int i = 0; i < 300000; ++i) {
    lines += "plain\n";
    questions += "User: b\n";
  }
  Read(DumpJson({{"text", lines}}));
  EXPECT_EQ(summary_.FormText(), "text");
  Read(DumpJson({{"text", questions + "Assistant: c"}}));
  EXPECT_EQ(summary_.FormText(), "marked_text");
  EXPECT_EQ(rows_.at(0).messages.size(), 2u);
}

// A root with two answers, the better ranked one asked on.
const char kTree[] = R"({"message_tree_id": "t", "tree_state": "ready_for_export", "prompt":
  {"message_id": "t", "text": "a", "role": "prompter", "replies": [
    {"message_id": "2", "text": "worse", "role": "assistant", "rank": 1, "replies": []},
    {"message_id": "1", "text": "b", "role": "assistant", "rank": 0, "replies": [
      {"message_id": "3", "text": "c", "role": "prompter", "replies": [
        {"message_id": "4", "text": "d", "role": "assistant", "replies": []},
        {"message_id": "5", "text": "e", "role": "assistant", "replies": []}]}]},
    {"message_id": "6", "text": "gone", "role": "assistant", "deleted": true, "replies": []}]}})";

std::string OneLine(std::string text) {
  std::erase(text, '\n');
  return text;
}

TEST_F(FormsTest, EachPathOfATreeIsAConversationAndEachAnswerIsLearnedOnce) {
  Read(OneLine(kTree));
  EXPECT_EQ(summary_.FormText(), "message_tree");
  ASSERT_THAT(rows_, SizeIs(3));
  EXPECT_THAT(Turns(rows_[0]), ElementsAre(Turn{"a", "b"}, Turn{"c", "d"}));
  EXPECT_THAT(Turns(rows_[1]), ElementsAre(Turn{"a", "b"}, Turn{"c", "e"}));
  EXPECT_THAT(Turns(rows_[2]), ElementsAre(Turn{"a", "worse"}));
  EXPECT_TRUE(rows_[1].has_siblings);
  EXPECT_TRUE(rows_[0].messages[1].learned);
  EXPECT_FALSE(rows_[1].messages[1].learned);
  EXPECT_TRUE(rows_[1].messages[3].learned);
}

TEST_F(FormsTest, FlatMessagesAreTheSameTree) {
  Read(R"({"message_id":"t","parent_id":null,"message_tree_id":"t","text":"a","role":"prompter"}
{"message_id":"1","parent_id":"t","message_tree_id":"t","text":"b","role":"assistant","rank":0}
{"message_id":"u","parent_id":null,"message_tree_id":"u","text":"x","role":"prompter"}
{"message_id":"2","parent_id":"u","message_tree_id":"u","text":"y","role":"assistant"})");
  ASSERT_THAT(rows_, SizeIs(2));
  EXPECT_THAT(Turns(rows_[0]), ElementsAre(Turn{"a", "b"}));
  EXPECT_THAT(Turns(rows_[1]), ElementsAre(Turn{"x", "y"}));
  EXPECT_THAT(
      ErrorOf(
          R"({"message_id":"1","parent_id":"t","message_tree_id":"t","text":"b","role":"prompter"})"),
      HasSubstr("parent_id: \"t\" is no earlier message of the tree"));
}

}  // namespace
}  // namespace tune
