#include "recipe/data/example.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "small_tokenizer.h"
#include "turns.h"

namespace tune {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr int32_t kEnd = 262;

PromptTemplate Template(const std::string& text) { return PromptTemplate::Parse(text).value(); }

std::string ErrorOf(const std::string& text) {
  return std::string(PromptTemplate::Parse(text).status().message());
}

// The text of the tokens that are targets; or of those that are not.
std::string TextWhere(const Example& example, bool target) {
  std::vector<int32_t> ids;
  for (size_t i = 0; i < example.ids.size(); ++i) {
    if ((example.target[i] != 0) == target) ids.push_back(example.ids[i]);
  }
  return SmallTokenizer()->Decode(ids);
}

Example Make(const Row& row, const std::string& text = "user_assistant",
             TrainOn train_on = TrainOn::kResponses) {
  const auto tokenizer = SmallTokenizer();
  return MakeExample(row, {Template(text), tokenizer.get(), kEnd, train_on}).value();
}

Row TextRow(const std::string& text) {
  Row row;
  row.is_text = true;
  row.messages = {{Role::kAssistant, text}};
  return row;
}

TEST(PromptTemplateTest, BuiltInOnes) {
  EXPECT_EQ(Template("user_assistant").Prompt("Hi"), "User: Hi\n\nAssistant:");
  EXPECT_EQ(Template("user_assistant").Response("Yes"), " Yes");
  EXPECT_EQ(Template("instruct").Prompt("Hi"), "Instruct: Hi\nOutput:");
  EXPECT_THAT(Template("alpaca").Prompt("Hi"),
              HasSubstr("\n\n### Instruction:\nHi\n\n### Response:\n"));
  EXPECT_EQ(Template("alpaca").Response("Yes"), "Yes");
  EXPECT_EQ(Template("plain").Prompt("Hi"), "Hi");
  EXPECT_EQ(Template("plain").Response("Yes"), "Yes");
}

TEST(PromptTemplateTest, ACustomOne) {
  const PromptTemplate custom = Template("<q>{prompt}</q> <a>{response}</a>");
  EXPECT_EQ(custom.Prompt("{response}"), "<q>{response}</q> <a>");
  EXPECT_EQ(custom.suffix(), "</a>");
  EXPECT_EQ(custom.lead(), "");
  EXPECT_EQ(custom.Response("x"), "x</a>");
}

TEST(PromptTemplateTest, RefusesWhatItCannotFill) {
  EXPECT_THAT(ErrorOf("user_asistant"), HasSubstr("did you mean \"user_assistant\"?"));
  EXPECT_THAT(ErrorOf(""), StartsWith("\"\" is neither user_assistant"));
  EXPECT_EQ(ErrorOf("{prompt}"), "has no {response}");
  EXPECT_EQ(ErrorOf("{response}"), "has no {prompt}");
  EXPECT_EQ(ErrorOf("{prompt}{prompt}{response}"), "has {prompt} twice");
  EXPECT_EQ(ErrorOf("{response}{prompt}"), "{response} must come after {prompt}");
}

TEST(PromptTemplateTest, AlpacaWithAnInput) {
  EXPECT_EQ(Template("alpaca").Prompt("Add", "1 2"),
            "Below is an instruction that describes a task, paired with an input that provides "
            "further context. Write a response that appropriately completes the request.\n\n"
            "### Instruction:\nAdd\n\n### Input:\n1 2\n\n### Response:\n");
  EXPECT_EQ(Template("user_assistant").Prompt("Add", "1 2"), "User: Add\n\n1 2\n\nAssistant:");
}

TEST(PromptTemplateTest, NamesWhatIsNoPlaceholder) {
  const auto problem = [](const std::string& text) {
    return std::string(PromptTemplate::CheckPlaceholders(text).message());
  };
  EXPECT_THAT(problem("{input} {prompt}: {response}"), StartsWith("has {input}, which would be"));
  EXPECT_THAT(problem("{system}{prompt}{response}"), StartsWith("has {system}, "));
  EXPECT_THAT(problem("{{prompt}}: {response}"), StartsWith("has {{prompt}}, "));
  EXPECT_EQ(problem("{\"q\": \"{prompt}\", a: {}} {response}"), "");
  EXPECT_EQ(problem("alpaca"), "");
}

TEST(ExampleTest, TargetsAreTheResponseAndItsEnd) {
  const Example example = Make(Conversation({{"the", "the thing"}}));
  EXPECT_EQ(TextWhere(example, false), "User: the\n\nAssistant:");
  EXPECT_EQ(TextWhere(example, true), " the thing<|end|>");
  EXPECT_EQ(example.ids.back(), kEnd);
  EXPECT_EQ(example.target_tokens(), 4 + 1);  // " the", " t", "h", "ing", the end
}

TEST(ExampleTest, ThePromptHasTheIdsOfGeneration) {
  const Example example = Make(Conversation({{"a", "b"}}));
  const std::vector<int32_t> prompt =
      SmallTokenizer()->EncodeOrdinary(Template("user_assistant").Prompt("a"));
  ASSERT_GE(example.ids.size(), prompt.size());
  EXPECT_TRUE(std::equal(prompt.begin(), prompt.end(), example.ids.begin()));
  EXPECT_EQ(example.target[prompt.size() - 1], 0);
  EXPECT_EQ(example.target[prompt.size()], 1);
}

// Tokenized as one text, "th" and "e" would become a token that lies on both sides.
TEST(ExampleTest, NoTokenLiesOnBothSides) {
  const Example example = Make(Conversation({{"t", "he"}}), "plain");
  EXPECT_EQ(TextWhere(example, false), "t");
  EXPECT_EQ(TextWhere(example, true), "he<|end|>");
}

TEST(ExampleTest, EveryResponseOfAConversationIsLearned) {
  const Example example = Make(Conversation({{"a", "b"}, {"c", "d"}}, "Be brief."));
  EXPECT_EQ(SmallTokenizer()->Decode(example.ids),
            "Be brief.\n\nUser: a\n\nAssistant: b<|end|>\n\nUser: c\n\nAssistant: d<|end|>");
  EXPECT_EQ(TextWhere(example, true), " b<|end|> d<|end|>");
}

TEST(ExampleTest, TrainOnAllLeavesOutOnlyTheFirst) {
  const Example example = Make(Conversation({{"a", "b"}}), "user_assistant", TrainOn::kAll);
  EXPECT_EQ(example.target[0], 0);
  EXPECT_EQ(example.target_tokens(), static_cast<int64_t>(example.ids.size()) - 1);
}

TEST(ExampleTest, TextTakesNoTemplate) {
  const Example example = Make(TextRow("the"));
  EXPECT_THAT(example.ids, ::testing::ElementsAre(257, kEnd));
  EXPECT_THAT(example.target, ::testing::ElementsAre(0, 1));
}

TEST(ExampleTest, AnswersThatAreNotLearnedAreOnlyRead) {
  Row row = Conversation({{"a", "b"}, {"c", "d"}});
  row.messages[1].learned = false;
  EXPECT_EQ(TextWhere(Make(row), true), " d<|end|>");
  EXPECT_EQ(TextWhere(Make(row, "user_assistant", TrainOn::kAll), false), "U b<|end|>");
}

TEST(ExampleTest, OfTheLastResponseAlone) {
  const Row row = Conversation({{"a", "b"}, {"c", "d"}});
  EXPECT_EQ(TextWhere(Make(row, "user_assistant", TrainOn::kLastResponse), true), " d<|end|>");
}

TEST(ExampleTest, ToolsAndTheirCallsAreText) {
  Row row;
  row.system = "Be brief.";
  row.tools = {{{"name", "now"}}};
  row.messages = {{Role::kUser, "What time is it?"},
                  {Role::kAssistant, ""},
                  {Role::kTool, "noon"},
                  {Role::kAssistant, "Noon."}};
  row.messages[1].tool_calls = {{{"name", "now"}, {"arguments", Json::object()}}};
  EXPECT_EQ(SmallTokenizer()->Decode(Make(row).ids),
            "Be brief.\n\nTools:\n{\"name\":\"now\"}\n\nUser: What time is it?\n\nAssistant: "
            "{\"name\":\"now\",\"arguments\":{}}<|end|>\n\nUser: Tool result: noon\n\nAssistant: "
            "Noon.<|end|>");
}

// As dolphin's ChatML has its markers: tokens of the tokenizer, named in the template.
TEST(ExampleTest, SpecialTokensOfTheTemplateAreTheirIds) {
  const Example example =
      Make(Conversation({{"a <|end|>", "b"}}), "<|end|>the{prompt}<|end|> {response}<|end|>");
  EXPECT_EQ(std::count(example.ids.begin(), example.ids.end(), kEnd), 4);
  EXPECT_EQ(example.ids.front(), kEnd);
  EXPECT_EQ(example.ids[1], 257);  // "the"
  EXPECT_EQ(TextWhere(example, true), " b<|end|><|end|>");
}

TEST(ExampleTest, SpecialTokensInARowStayText) {
  const Example example = Make(Conversation({{"<|end|>", "<|end|>"}}), "plain");
  EXPECT_EQ(std::count(example.ids.begin(), example.ids.end(), kEnd), 1);
}

}  // namespace
}  // namespace tune
