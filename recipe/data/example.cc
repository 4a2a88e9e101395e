#include "recipe/data/example.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "recipe/data/chat_example.h"
#include "recipe/data/conversation.h"

namespace tune {
namespace {

std::vector<int32_t> Encode(const Tokenizer& tokenizer, const std::vector<TemplatePart>& text) {
  std::vector<TokenizerPart> parts;
  parts.reserve(text.size());
  for (const TemplatePart& part : text) parts.push_back({part.text, part.from_template});
  return tokenizer.EncodeParts(parts);
}

// Appends tokens to an example, all of them targets or none.
class ExampleWriter {
 public:
  explicit ExampleWriter(const Tokenizer& tokenizer) : tokenizer_(tokenizer) {}

  void Text(const std::vector<TemplatePart>& text, bool target) {
    for (const int32_t id : Encode(tokenizer_, text)) Token(id, target);
  }
  void Token(int32_t id, bool target) {
    example_.target.push_back(!example_.ids.empty() && target);
    example_.ids.push_back(id);
  }
  Example Finish() { return std::move(example_); }

 private:
  const Tokenizer& tokenizer_;
  Example example_;
};

std::string SystemText(const Row& row) {
  std::string text = row.system;
  if (!row.tools.is_null()) absl::StrAppend(&text, text.empty() ? "" : "\n\n", "Tools:");
  const bool is_list = row.tools.is_array();
  for (const Json& tool : is_list ? row.tools : Json::array({row.tools})) {
    if (!row.tools.is_null()) absl::StrAppend(&text, "\n", DumpJson(tool));
  }
  return text;
}

// What is asked before an answer: one message, or several joined by empty lines.
struct Question {
  std::string text;
  std::string input;
  bool asked = false;

  void Add(const Message& message) {
    const std::string said =
        message.role == Role::kTool ? absl::StrCat("Tool result: ", message.text) : message.text;
    if (!asked) {
      *this = {said, message.input, true};
      return;
    }
    if (!input.empty()) absl::StrAppend(&text, "\n\n", std::exchange(input, ""));
    absl::StrAppend(&text, "\n\n", said, message.input.empty() ? "" : "\n\n", message.input);
  }
};

// The index of the last answer, or -1.
int64_t LastAnswer(const std::vector<Message>& messages) {
  for (int64_t i = static_cast<int64_t>(messages.size()) - 1; i >= 0; --i) {
    if (messages[i].role == Role::kAssistant) return i;
  }
  return -1;
}

}  // namespace

int64_t Example::target_tokens() const { return std::count(target.begin(), target.end(), 1); }

TrainOn TrainOnNamed(absl::string_view name) {
  if (name == "all") return TrainOn::kAll;
  return name == "last_response" ? TrainOn::kLastResponse : TrainOn::kResponses;
}

absl::StatusOr<ExampleFormat> ExampleFormatOf(const RunSpec& spec, const FormatModel& model) {
  ExampleFormat format{};
  format.tokenizer = &model.tokenizer;
  format.eos = static_cast<int32_t>(model.end_token);
  format.train_on = TrainOnNamed(spec.train_on);
  if (spec.prompt_template != kChatTemplateName) {
    ASSIGN_OR_RETURN(format.prompt_template, PromptTemplate::Parse(spec.prompt_template));
    return format;
  }
  ASSIGN_OR_RETURN(format.chat, StartChatTemplate(model.folder, model.date));
  format.turn_end = ChatTurnEnd(format);
  return format;
}

absl::StatusOr<Example> MakeExample(const Row& row, const ExampleFormat& format) {
  if (format.chat != nullptr && !row.is_text) return MakeChatExample(row, format);
  ExampleWriter writer(*format.tokenizer);
  const bool all = format.train_on == TrainOn::kAll;
  const PromptTemplate& prompt_template = format.prompt_template;
  const int64_t only = format.train_on == TrainOn::kLastResponse ? LastAnswer(row.messages) : -1;
  // What stands before the next turn.
  std::string context = SystemText(row);
  if (!context.empty()) context += prompt_template.separator();
  Question question;
  for (size_t i = 0; i < row.messages.size(); ++i) {
    const Message& message = row.messages[i];
    if (message.role != Role::kAssistant) {
      question.Add(message);
      continue;
    }
    const bool learned = message.learned && (only < 0 || only == static_cast<int64_t>(i));
    if (row.is_text) {
      writer.Text({{message.text}}, true);
    } else {
      std::vector<TemplatePart> prompt = {{context}};
      const auto asked = prompt_template.PromptParts(question.text, question.input);
      prompt.insert(prompt.end(), asked.begin(), asked.end());
      writer.Text(prompt, all);
      writer.Text(prompt_template.ResponseParts(AnswerText(message)), learned);
    }
    writer.Token(format.eos, learned);
    context = prompt_template.separator();
    question = {};
  }
  return writer.Finish();
}

std::vector<int32_t> WithTurnEnd(std::vector<int32_t> ends, const ExampleFormat& format) {
  const bool named = std::find(ends.begin(), ends.end(), format.turn_end) != ends.end();
  if (format.turn_end >= 0 && !named) ends.push_back(format.turn_end);
  return ends;
}

absl::StatusOr<std::vector<int32_t>> PromptIds(const ExampleFormat& format,
                                               const std::string& prompt) {
  if (format.chat != nullptr) return ChatPromptIds(format, prompt);
  return Encode(*format.tokenizer, format.prompt_template.PromptParts(prompt, ""));
}

}  // namespace tune
