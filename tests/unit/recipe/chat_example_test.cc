#include "recipe/data/chat_example.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "recipe/data/row_drawing.h"
#include "small_tokenizer.h"
#include "tests/support/scratch_folder.h"

namespace tune {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr char kChatMl[] =
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] "
    "+ '<|im_end|>' + '\n' }}{% endfor %}{% if add_generation_prompt %}{{ "
    "'<|im_start|>assistant\n' }}{% endif %}";

// The small tokenizer, and ChatML's marks.
std::unique_ptr<Tokenizer> MarkedTokenizer() {
  SortedJson json = SmallTokenizerJson();
  json["added_tokens"].push_back(AddedTokenJson(265, "<|im_start|>", true));
  json["added_tokens"].push_back(AddedTokenJson(266, "<|im_end|>", true));
  return Tokenizer::FromJson(json).value();
}

// A question, its answer, and so on.
Row Said(const std::vector<std::string>& texts) {
  Row row;
  for (size_t i = 0; i < texts.size(); ++i) {
    row.messages.push_back({i % 2 == 0 ? Role::kUser : Role::kAssistant, texts[i]});
  }
  return row;
}

class ChatExampleTest : public ::testing::Test {
 protected:
  absl::StatusOr<ExampleFormat> Format(const std::string& jinja,
                                       const std::string& train_on = "responses") {
    scratch_.Write("chat_template.jinja", jinja);
    scratch_.Write("tokenizer_config.json", R"({"bos_token": {"content": "<|end|>"},
                              "eos_token": "<|end|>", "pad_token": null})");
    RunSpec spec;
    spec.prompt_template = "chat";
    spec.train_on = train_on;
    return ExampleFormatOf(spec, {*tokenizer_, 262, scratch_.path(), TrainingDate()});
  }
  // What is learned in [ and ], its special tokens too.
  std::string Shown(const Row& row, const std::string& jinja,
                    const std::string& train_on = "responses") {
    const auto format = Format(jinja, train_on);
    if (!format.ok()) return std::string(format.status().message());
    const auto example = MakeExample(row, *format);
    return example.ok() ? Shown(*example) : std::string(example.status().message());
  }
  std::string Shown(const Example& example) {
    std::string text;
    bool learned = false;
    for (size_t i = 0; i <= example.ids.size(); ++i) {
      const bool target = i < example.ids.size() && example.target[i] != 0;
      if (target != learned) text += target ? "[" : "]";
      learned = target;
      if (i < example.ids.size()) text += tokenizer_->Decode({example.ids[i]});
    }
    return text;
  }

  ScratchFolder scratch_;
  const std::unique_ptr<Tokenizer> tokenizer_ = MarkedTokenizer();
};

TEST_F(ChatExampleTest, EachAnswerIsLearnedToTheTokenThatClosesIt) {
  Row row = Said({"a", "b", "c", "d"});
  row.system = "s";
  EXPECT_EQ(Shown(row, kChatMl),
            "<|im_start|>system\ns<|im_end|>\n<|im_start|>user\na<|im_end|>\n"
            "<|im_start|>assistant\n[b<|im_end|>]\n<|im_start|>user\nc<|im_end|>\n"
            "<|im_start|>assistant\n[d<|im_end|>]\n");
  EXPECT_THAT(Shown(row, kChatMl, "last_response"),
              AllOf(HasSubstr("assistant\nb<|im_end|>\n"), HasSubstr("[d<|im_end|>]")));
  row.messages[3].learned = false;
  EXPECT_THAT(Shown(row, kChatMl), AllOf(HasSubstr("[b<|im_end|>]"), HasSubstr("\nd<|im_end|>")));
  EXPECT_THAT(Shown(row, kChatMl, "all"),
              AllOf(HasSubstr("<|im_start|>[system\ns"), HasSubstr("assistant\n]d<|im_end|>\n")));
}

TEST_F(ChatExampleTest, WhatTheTemplateMarksIsLearned) {
  EXPECT_EQ(Shown(Said({"a", "b", "c", "d"}),
                  "{% for m in messages %}{% if m.role == 'assistant' %}A{% generation %}{{ "
                  "m.content }}{{ eos_token }}{% endgeneration %}{% else %}U{{ m.content }}"
                  "{% endif %}{% endfor %}"),
            "UaA[b<|end|>]UcA[d<|end|>]");
}

TEST_F(ChatExampleTest, WhatARowSpellsStaysText) {
  const std::string spelled = "a<|im_end|>b";
  const std::string jinja =
      absl::StrReplaceAll(kChatMl, {{"message['content']", "message.content | trim"}});
  for (const std::string& text : {std::string(kChatMl), jinja}) {
    const auto format = Format(text);
    ASSERT_TRUE(format.ok()) << format.status();
    const auto example = MakeExample(Said({spelled, spelled}), *format);
    ASSERT_TRUE(example.ok()) << example.status();
    EXPECT_EQ(std::count(example->ids.begin(), example->ids.end(), tokenizer_->IdOf("<|im_end|>")),
              2);
  }
  // A template that takes the text apart would make tokens of it.
  EXPECT_THAT(Shown(Said({spelled, "b"}),
                    absl::StrReplaceAll(
                        kChatMl, {{"message['content']", "message.content.split('>>')[0] + ''"}})),
              HasSubstr("<|im_end|>b<|im_end|>"));
  EXPECT_THAT(Shown(Said({spelled + "<>", "b"}),
                    absl::StrReplaceAll(kChatMl, {{"message['content']",
                                                   "message.content.split('<>') | join('<>')"}})),
              HasSubstr("would make a special token of a text of the row"));
}

TEST_F(ChatExampleTest, ToolsAndCallsAreAsTransformersHasThem) {
  Row row = Said({"q", "", "{\"t\": 1}", "a"});
  row.messages[1].tool_calls = Json::array({{{"name", "f"}, {"arguments", {{"x", 1}}}}});
  row.messages[2].role = Role::kTool;
  EXPECT_EQ(DumpJson(ChatMessages(row)),
            R"([{"role":"user","content":"q"},{"role":"assistant","content":"","tool_calls":[)"
            R"({"type":"function","id":"call00001","function":{"name":"f","arguments":{"x":1}}}]},)"
            R"({"role":"tool","content":"{\"t\": 1}","name":"f","tool_call_id":"call00001"},)"
            R"({"role":"assistant","content":"a"}])");
  EXPECT_THAT(Shown(row, kChatMl), HasSubstr("leaves out the row's tool calls"));
  row = Said({"q", "a"});
  row.tools = Json::array({{{"name", "get_weather"}}});
  EXPECT_THAT(Shown(row, kChatMl), HasSubstr("leaves out the row's tools"));
}

// A template of its own words for an answer, after "A:".
std::string Answering(const std::string& answer) {
  return absl::StrCat("{% for m in messages %}{% if m.role == 'assistant' %}A:", answer,
                      "{% else %}U:{{ m.content }}{% endif %}{% endfor %}{% if "
                      "add_generation_prompt %}A:{% endif %}");
}

TEST_F(ChatExampleTest, RefusesWhatWouldBeLearnedWrongly) {
  Row row = Said({"a", "b", "c", "d"});
  EXPECT_THAT(Shown(row, absl::StrCat(kChatMl, "{% if add_generation_prompt %}<think>{% endif %}")),
              HasSubstr("asks for an answer by another text (it ends in \"<|im_end|>\\n<|im_start|>"
                        "assistant\\n<think>\")"));
  EXPECT_THAT(Shown(row, Answering("{{ m.content }}{{ '!<|end|>' if loop.last else '<|end|>' }}")),
              HasSubstr("once more messages follow it, so that it cannot be learned as it will be "
                        "given; set train_on to last_response"));
  EXPECT_THAT(Shown(row, Answering("{{ m.content }}\n")),
              HasSubstr("closes an answer with no special token"));
  EXPECT_THAT(Shown(row, Answering("{{ eos_token }}")),
              HasSubstr("leaves out, or changes, what the row's assistant says"));
  row.system = "s";
  EXPECT_THAT(Shown(row, absl::StrCat("{% if messages[0].role == 'system' %}{{ "
                                      "raise_exception('no system') }}{% endif %}",
                                      kChatMl)),
              HasSubstr("the chat template refuses it at line 1, column 56: no system"));
}

// Phi-3.5's template: the conversation is closed too.
TEST_F(ChatExampleTest, AnAnswerInTheMiddleIsWithoutTheConversationsEnd) {
  EXPECT_EQ(Shown(Said({"a", "b", "c", "d"}),
                  absl::StrCat(Answering("{{ m.content }}<|im_end|>"),
                               "{% if not add_generation_prompt %}{{ eos_token }}{% endif %}")),
            "U:aA:[b<|im_end|>]U:cA:[d<|im_end|><|end|>]");
}

TEST_F(ChatExampleTest, APromptIsTheTextBeforeTheAnswer) {
  const auto format = Format(kChatMl);
  ASSERT_TRUE(format.ok()) << format.status();
  const auto ids = PromptIds(*format, "a");
  ASSERT_TRUE(ids.ok()) << ids.status();
  EXPECT_EQ(tokenizer_->Decode(*ids), "<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\n");
  EXPECT_EQ(format->turn_end, tokenizer_->IdOf("<|im_end|>"));
  EXPECT_THAT(WithTurnEnd({262}, *format), ::testing::ElementsAre(262, format->turn_end));
}

// A row's own refusal leaves the others readable; the end of the template's process does not.
TEST_F(ChatExampleTest, TellsARefusedRowFromATemplateThatHasEnded) {
  const auto format = Format(
      "{% macro f() %}{{ f() }}{% endmacro %}{% set said = messages[0].content %}"
      "{% if said == 'no' %}{{ raise_exception('no') }}{% endif %}"
      "{% if said == 'ever' %}{{ f() }}{% endif %}"
      "{% for m in messages %}{{ m.content }}{{ '<|end|>' if m.role == 'assistant' }}{% endfor %}");
  ASSERT_TRUE(format.ok()) << format.status();
  const auto made = [&](const std::string& prompt) {
    return MakeDrawnExample(Said({prompt, "b"}), *format).status();
  };
  EXPECT_TRUE(IsRefusedRow(made("no")));
  EXPECT_TRUE(made("a").ok());
  const absl::Status ended = made("ever");
  EXPECT_TRUE(absl::IsInvalidArgument(ended)) << ended;
  EXPECT_FALSE(IsRefusedRow(ended));
  EXPECT_FALSE(IsRefusedRow(made("a")));
  EXPECT_FALSE(made("a").ok());
}

TEST_F(ChatExampleTest, AModelWithoutATemplateIsRefused) {
  EXPECT_THAT(std::string(Format("").status().message()), HasSubstr("has no chat template"));
}

// The templates that a model's folder may have, as transformers finds them.
TEST_F(ChatExampleTest, TheTemplateThatCounts) {
  const auto read = [&] { return ReadChatTemplate(scratch_.path()).value(); };
  scratch_.Write("tokenizer_config.json",
                 R"({"chat_template": [{"name": "default", "template": "D"},
                                              {"name": "tool_use", "template": "T"}]})");
  scratch_.Write("special_tokens_map.json",
                 R"({"bos_token": {"content": "<s>"}, "eos_token": "</s>"})");
  EXPECT_EQ(read().text + read().tool_use, "DT");
  EXPECT_EQ(DumpJson(read().tokens), R"({"bos_token":"<s>","eos_token":"</s>"})");
  scratch_.Write("tokenizer_config.json", "{}");
  scratch_.Write("chat_template.json", R"({"chat_template": "P"})");
  EXPECT_EQ(read().text, "P");
  scratch_.Write("chat_template.jinja", "J");
  EXPECT_EQ(read().text, "J");
  scratch_.Write("tokenizer_config.json", R"({"chat_template": [3]})");
  scratch_.Write("chat_template.jinja", "");
  EXPECT_THAT(std::string(ReadChatTemplate(scratch_.path()).status().message()),
              HasSubstr("tokenizer_config.json:chat_template: must be a text or a list"));
}

class HostileTemplateTest : public ::testing::Test {
 protected:
  static absl::StatusOr<std::string> TextOf(const std::string& jinja) {
    const auto chat = ChatTemplate::Start({jinja, "", Json::object()}, TrainingDate());
    if (!chat.ok()) return chat.status();
    const Json messages = Json::array({{{"role", "user"}, {"content", "a"}}});
    const auto parts = (*chat)->RenderPrompt(messages, nullptr);
    if (!parts.ok()) return parts.status();
    std::string text;
    for (const ChatPart& part : *parts) text += part.text;
    return text;
  }
  static std::string ErrorOf(const std::string& jinja) {
    return std::string(TextOf(jinja).status().message());
  }
};

TEST_F(HostileTemplateTest, EndsWithAnErrorAndHarmsNobody) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "under a sanitizer the process has no limit of memory";
#endif
  EXPECT_EQ(ErrorOf("{{ raise_exception('no') }}"),
            "the chat template refuses it at line 1, column 19: no");
  EXPECT_THAT(ErrorOf("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}"),
              HasSubstr("calls itself without end"));
  EXPECT_THAT(ErrorOf(absl::StrCat("{{ ", std::string(200'000, '('), " }}")),
              HasSubstr("is nested too deep"));
  EXPECT_THAT(ErrorOf("{% set n = namespace(x='x') %}{% for i in range(64) %}"
                      "{% set n.x = n.x + n.x %}{% endfor %}"),
              HasSubstr("needs more memory"));
  EXPECT_THAT(ErrorOf("{% for i in range(100000000000) %}{% endfor %}"),
              HasSubstr("needs more memory"));
  EXPECT_THAT(ErrorOf("{% for a in range(9999) %}{% for b in range(9999) %}{% for c in range(9999) "
                      "%}{% endfor %}{% endfor %}{% endfor %}"),
              HasSubstr("takes too long"));
  EXPECT_THAT(ErrorOf("{{ no_such_function() }}"), HasSubstr("fails at line 1"));
  EXPECT_THAT(ErrorOf("{% if %}"), HasSubstr("cannot be used"));
}

// As jinja2's Undefined, which transformers renders with.
TEST_F(HostileTemplateTest, WhatIsNotDefinedIsEmptyAndHasNothing) {
  for (const char* empty : {"{{ nope }}", "{{ messages[0].nope }}", "{{ messages[7] }}",
                            "{{ 'x' ~ nope }}", "{{ nope|trim }}", "{{ nope is defined }}",
                            "{% for a in nope %}{{ a }}{% endfor %}", "{{ nope|default('d') }}"}) {
    EXPECT_EQ(ErrorOf(empty), "") << empty;
  }
  for (const char* member : {"{{ nope.x }}", "{{ nope['x'] }}", "{{ messages[0].nope.x }}",
                             "{{ messages[7].content }}", "{{ nope.x is defined }}"}) {
    EXPECT_THAT(ErrorOf(member), HasSubstr("a member of what is not defined is asked for"))
        << member;
  }
  EXPECT_THAT(ErrorOf("{{ nope + 'x' }}"), HasSubstr("operation + on undefined"));
  EXPECT_THAT(ErrorOf("{{ 'x' + messages[0].nope }}"), HasSubstr("operation + on undefined"));
  EXPECT_THAT(ErrorOf("{{ 'x' + none }}"), HasSubstr("on null values"));
}

// The texts are jinja2's: python3 -c 'import jinja2; print(jinja2.Template("…").render())'.
TEST_F(HostileTemplateTest, TextsAreJoinedAsJinja2JoinsThem) {
  EXPECT_EQ(*TextOf("{{ 'x' ~ none }}"), "xNone");
  EXPECT_EQ(*TextOf("{{ none ~ nope ~ 'x' }}"), "Nonex");
  EXPECT_EQ(*TextOf("{{ 1 ~ 2.5 ~ true }}"), "12.5True");
  EXPECT_EQ(*TextOf("{{ ['a', 1] ~ {'b': none} }}"), "['a', 1]{'b': None}");
  EXPECT_EQ(*TextOf("{{ 'x' + 'y' }}{{ 1 + 2 }}{{ ([1] + [2])|length }}"), "xy32");
  for (const char* sum : {"{{ 'x' + 1 }}", "{{ 1 + 'x' }}", "{{ 'x' + {} }}", "{{ [] + 'x' }}"}) {
    EXPECT_THAT(ErrorOf(sum), HasSubstr("Unknown operator \"+\"")) << sum;
  }
}

// Nor may it in transformers' ImmutableSandboxedEnvironment.
TEST_F(HostileTemplateTest, ATemplateChangesNoList) {
  for (const char* change :
       {"{% set l = [1] %}{% set _ = l.append(2) %}", "{{ messages.pop() }}"}) {
    EXPECT_THAT(ErrorOf(change), HasSubstr("a template may not change a list")) << change;
  }
}

TEST_F(HostileTemplateTest, AnEndedProcessSaysTheSameAgain) {
  const auto chat =
      ChatTemplate::Start({"{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "", Json::object()},
                          TrainingDate())
          .value();
  const Json messages = Json::array({{{"role", "user"}, {"content", "a"}}});
  const auto first = chat->RenderPrompt(messages, nullptr).status();
  EXPECT_EQ(chat->RenderPrompt(messages, nullptr).status(), first);
}

}  // namespace
}  // namespace tune
