#include "recipe/data/chat_example.h"

#include <algorithm>
#include <deque>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/status.h"

namespace tune {
namespace {

constexpr char kThinkEnd[] = "</think>";

absl::Status Refuse(absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("the chat template ", why));
}

// Appends the messages of a row, and knows which calls wait for an answer.
class MessageWriter {
 public:
  void System(const std::string& text) {
    if (!text.empty()) messages_.push_back({{"role", "system"}, {"content", text}});
  }

  void Add(const Message& message) {
    if (message.role == Role::kUser) return User(message);
    if (message.role == Role::kTool) return Tool(message.text);
    Json answer = {{"role", "assistant"}, {"content", message.text}};
    calls_.clear();
    for (const Json& call : message.tool_calls) answer["tool_calls"].push_back(Call(call));
    messages_.push_back(std::move(answer));
  }

  Json Finish() { return std::move(messages_); }

 private:
  void User(const Message& message) {
    const std::string text =
        absl::StrCat(message.text, message.input.empty() ? "" : "\n\n", message.input);
    if (messages_.empty() || messages_.back()["role"] != "user") {
      messages_.push_back({{"role", "user"}, {"content", text}});
      return;
    }
    Json& asked = messages_.back()["content"];
    asked = absl::StrCat(asked.get<std::string>(), "\n\n", text);
  }

  void Tool(const std::string& text) {
    Json result = {{"role", "tool"}, {"content", text}};
    if (!calls_.empty()) {
      result["name"] = calls_.front()["function"]["name"];
      result["tool_call_id"] = calls_.front()["id"];
      calls_.pop_front();
    }
    messages_.push_back(std::move(result));
  }

  Json Call(const Json& call) {
    Json function = {
        {"type", "function"}, {"id", absl::StrFormat("call%05d", ++number_)}, {"function", call}};
    calls_.push_back(function);
    return function;
  }

  Json messages_ = Json::array();
  std::deque<Json> calls_;
  int number_ = 0;
};

Json ToolsOf(const Row& row) {
  return row.tools.is_null() || row.tools.is_array() ? row.tools : Json::array({row.tools});
}

bool IsAnswer(const Json& message) { return message["role"] == "assistant"; }

// The answers of a row by their index among its chat messages, and whether each is learned.
struct Answer {
  size_t index = 0;
  bool learned = false;
};

std::vector<Answer> AnswersOf(const Row& row, const Json& messages, TrainOn train_on) {
  std::vector<Answer> answers;
  for (size_t i = 0; i < messages.size(); ++i) {
    if (IsAnswer(messages[i])) answers.push_back({i, false});
  }
  size_t at = 0;
  for (const Message& message : row.messages) {
    if (message.role != Role::kAssistant) continue;
    const bool counts = train_on != TrainOn::kLastResponse || at + 1 == answers.size();
    answers[at++].learned = message.learned && counts;
  }
  return answers;
}

// ---- What a template may do to a row's text.

// Whether a text, or one in it, spells a special token.
bool SpellsSpecial(const Json& json, const Tokenizer& tokenizer) {
  const std::string text = json.is_string() ? json.get<std::string>() : DumpJson(json);
  return tokenizer.Encode(text) != tokenizer.EncodeOrdinary(text);
}

// The same with every text in it another, which spells none.
Json Plain(const Json& json) {
  if (json.is_string()) return "x";
  if (!json.is_structured()) return json;
  Json plain = json.is_array() ? Json::array() : Json::object();
  for (const auto& [key, value] : json.items()) {
    if (json.is_array()) {
      plain.push_back(Plain(value));
    } else {
      plain[key] = Plain(value);
    }
  }
  return plain;
}

Json PlainMessages(const Json& messages, const Tokenizer& tokenizer) {
  Json plain = messages;
  for (Json& message : plain) {
    for (const char* key : {"content", "tool_calls", "name"}) {
      if (message.contains(key) && SpellsSpecial(message[key], tokenizer)) {
        message[key] = Plain(message[key]);
      }
    }
  }
  return plain;
}

// The special tokens that a template itself writes.
std::vector<int32_t> SpecialsOf(const std::vector<ChatPart>& parts, const Tokenizer& tokenizer) {
  std::vector<int32_t> specials;
  for (const ChatPart& part : parts) {
    if (part.from_messages) continue;
    for (const int32_t id : tokenizer.Encode(part.text)) {
      if (tokenizer.IsSpecial(id)) specials.push_back(id);
    }
  }
  return specials;
}

// Some templates take a row's text apart, or write it as JSON, and it is theirs then: where it
// spells special tokens, the template must write as many of them as for a row that spells none.
absl::Status CheckSpecials(const RenderedChat& chat, const Json& messages, const Json& tools,
                           const ExampleFormat& format) {
  const Tokenizer& tokenizer = *format.tokenizer;
  if (!SpellsSpecial(messages, tokenizer) && !SpellsSpecial(tools, tokenizer)) {
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const RenderedChat plain,
                   format.chat->Render(PlainMessages(messages, tokenizer),
                                       SpellsSpecial(tools, tokenizer) ? Plain(tools) : tools, {}));
  if (SpecialsOf(plain.parts, tokenizer) == SpecialsOf(chat.parts, tokenizer)) {
    return absl::OkStatus();
  }
  return Refuse(
      "would make a special token of a text of the row that spells one; take it out of the row");
}

// What of an answer a template writes in any case: what it thought may go.
std::string AfterThinking(const std::string& text) {
  const size_t end = text.rfind(kThinkEnd);
  return end == text.npos ? text : text.substr(end + sizeof(kThinkEnd) - 1);
}

bool Holds(const std::string& text, const std::string& part) {
  return absl::StrContains(text, absl::StripAsciiWhitespace(part));
}

absl::Status CheckNames(const std::string& text, const Json& functions, absl::string_view what) {
  for (const Json& entry : functions) {
    const Json& function = entry.contains("function") ? entry["function"] : entry;
    const Json name = function.is_object() ? function.value("name", Json()) : Json();
    if (!name.is_string() || Holds(text, name.get<std::string>())) continue;
    return Refuse(absl::StrCat("leaves out the row's ", what, "; take them out of the row, or ",
                               "name another template"));
  }
  return absl::OkStatus();
}

absl::Status CheckNothingLeftOut(const std::string& text, const Json& messages, const Json& tools,
                                 const std::vector<Answer>& answers) {
  RETURN_IF_ERROR(CheckNames(text, tools, "tools"));
  auto answer = answers.begin();
  for (const Json& message : messages) {
    const bool is_answer = IsAnswer(message);
    const bool may_miss = is_answer && !(answer++)->learned;
    if (may_miss || message["role"] == "tool") continue;
    if (message.contains("tool_calls")) {
      RETURN_IF_ERROR(CheckNames(text, message["tool_calls"], "tool calls"));
    }
    const std::string content = message["content"].get<std::string>();
    if (Holds(text, is_answer ? AfterThinking(content) : content)) continue;
    return Refuse(absl::StrCat("leaves out, or changes, what the row's ",
                               message["role"].get<std::string>(), " says"));
  }
  return absl::OkStatus();
}

// ---- Tokens.

std::string TextOf(const std::vector<ChatPart>& parts) {
  std::string text;
  for (const ChatPart& part : parts) text += part.text;
  return text;
}

// Encodes the parts of a text in stretches.
class StretchEncoder {
 public:
  StretchEncoder(const std::vector<ChatPart>& parts, const Tokenizer& tokenizer)
      : parts_(parts), tokenizer_(tokenizer) {}

  // From the end of the stretch before to `end`, a byte of the text.
  std::vector<int32_t> EncodeTo(size_t end) {
    std::vector<TokenizerPart> stretch;
    while (at_ < end && part_ < parts_.size()) {
      const absl::string_view text = parts_[part_].text;
      const size_t from = at_ - begin_;
      const size_t to = std::min(end - begin_, text.size());
      stretch.push_back({text.substr(from, to - from), !parts_[part_].from_messages});
      at_ = begin_ + to;
      if (to == text.size()) begin_ += parts_[part_++].text.size();
    }
    return tokenizer_.EncodeParts(stretch);
  }

 private:
  const std::vector<ChatPart>& parts_;
  const Tokenizer& tokenizer_;
  size_t part_ = 0;   // the one that `at_` is in
  size_t begin_ = 0;  // of it
  size_t at_ = 0;
};

// How many of an answer's tokens are to be learned: those to the special one that closes it. 0
// where none does.
size_t TokensToEnd(const std::vector<int32_t>& ids, const Tokenizer& tokenizer) {
  size_t count = ids.size();
  while (count > 0 && !tokenizer.IsSpecial(ids[count - 1])) --count;
  const std::string rest = tokenizer.Decode({ids.begin() + static_cast<int64_t>(count), ids.end()});
  return absl::StripAsciiWhitespace(rest).empty() ? count : 0;
}

void Append(const std::vector<int32_t>& ids, size_t learned, Example* example) {
  for (size_t i = 0; i < ids.size(); ++i) {
    example->target.push_back(!example->ids.empty() && i < learned);
    example->ids.push_back(ids[i]);
  }
}

constexpr char kNotClosed[] =
    "closes an answer with no special token, so that the model would not learn to stop; it must "
    "write one after each, as {{ eos_token }} does; where it does after the last alone, set "
    "train_on "
    "to last_response";

// `asked` are the answers that the spans are of, and `all` whether what is between them is
// learned.
absl::StatusOr<Example> Encode(const RenderedChat& chat, const std::vector<Answer>& asked, bool all,
                               const Tokenizer& tokenizer) {
  Example example;
  StretchEncoder encoder(chat.parts, tokenizer);
  for (size_t i = 0; i < asked.size(); ++i) {
    const std::vector<int32_t> before = encoder.EncodeTo(chat.answers[i].begin);
    Append(before, all ? before.size() : 0, &example);
    const std::vector<int32_t> answer = encoder.EncodeTo(chat.answers[i].end);
    const size_t learned = asked[i].learned ? TokensToEnd(answer, tokenizer) : 0;
    if (asked[i].learned && learned == 0) return Refuse(kNotClosed);
    Append(answer, learned, &example);
  }
  const std::vector<int32_t> after = encoder.EncodeTo(TextOf(chat.parts).size());
  Append(after, all ? after.size() : 0, &example);
  return example;
}

}  // namespace

absl::Time TrainingDate() {
  return absl::FromCivil(absl::CivilDay(2024, 7, 26), absl::UTCTimeZone());
}

absl::StatusOr<std::shared_ptr<ChatTemplate>> StartChatTemplate(const std::string& folder,
                                                                absl::Time date) {
  ASSIGN_OR_RETURN(const ChatTemplateText text, ReadChatTemplate(folder));
  if (!text.text.empty()) return ChatTemplate::Start(text, date);
  return absl::InvalidArgumentError(
      "the model has no chat template: no chat_template.jinja, and none in tokenizer_config.json; "
      "name another template");
}

Json ChatMessages(const Row& row) {
  MessageWriter writer;
  writer.System(row.system);
  for (const Message& message : row.messages) writer.Add(message);
  return writer.Finish();
}

absl::StatusOr<Example> MakeChatExample(const Row& row, const ExampleFormat& format) {
  const Json messages = ChatMessages(row);
  const Json tools = ToolsOf(row);
  const std::vector<Answer> answers = AnswersOf(row, messages, format.train_on);
  const bool all = format.train_on == TrainOn::kAll;
  std::vector<Answer> asked;
  std::vector<size_t> indices;
  for (const Answer& answer : answers) {
    if (answer.learned == all) continue;
    asked.push_back(answer);
    indices.push_back(answer.index);
  }
  ASSIGN_OR_RETURN(const RenderedChat chat, format.chat->Render(messages, tools, indices));
  RETURN_IF_ERROR(CheckNothingLeftOut(TextOf(chat.parts), messages, tools, answers));
  RETURN_IF_ERROR(CheckSpecials(chat, messages, tools, format));
  return Encode(chat, asked, all, *format.tokenizer);
}

int32_t ChatTurnEnd(const ExampleFormat& format) {
  Row row;
  row.messages = {{Role::kUser, "question"}, {Role::kAssistant, "answer"}};
  ExampleFormat last = format;
  last.train_on = TrainOn::kLastResponse;
  const auto example = MakeChatExample(row, last);
  if (!example.ok()) return -1;
  const auto end = std::find(example->target.rbegin(), example->target.rend(), 1);
  return example->ids[static_cast<size_t>(example->target.rend() - end) - 1];
}

absl::StatusOr<std::vector<int32_t>> ChatPromptIds(const ExampleFormat& format,
                                                   const std::string& prompt) {
  ASSIGN_OR_RETURN(
      const std::vector<ChatPart> parts,
      format.chat->RenderPrompt(Json::array({{{"role", "user"}, {"content", prompt}}}), nullptr));
  return StretchEncoder(parts, *format.tokenizer).EncodeTo(TextOf(parts).size());
}

}  // namespace tune
