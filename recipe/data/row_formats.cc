#include "recipe/data/row_formats.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/json_fields.h"

namespace tune {
namespace {

// The first of `spellings` that has a value in `json`, or null. A table has every column in
// every row, so one whose value is null is as one that is not there.
const char* FindKey(const Json& json, const std::vector<const char*>& spellings) {
  for (const char* key : spellings) {
    const auto found = json.find(key);
    if (found != json.end() && !found->is_null()) return key;
  }
  return nullptr;
}

// The text at the first of `spellings` that is there; "" and an error where it is no text.
std::string Text(const Json& json, const std::vector<const char*>& spellings,
                 const std::string& parent, FieldErrors* errors) {
  const char* key = FindKey(json, spellings);
  const std::string path = absl::StrCat(parent, key == nullptr ? spellings[0] : key);
  if (key == nullptr) {
    errors->Add(path, json.contains(spellings[0]) ? "is null" : "is missing");
  } else if (!json[key].is_string()) {
    errors->Add(path, absl::StrCat("must be a text, got ", DescribeJson(json[key])));
  } else {
    return json[key].get<std::string>();
  }
  return "";
}

// The same, and one of nothing but white space is an error, since nothing is learned from it.
std::string NonEmptyText(const Json& json, const std::vector<const char*>& spellings,
                         const std::string& parent, FieldErrors* errors) {
  const size_t before = errors->list().size();
  std::string text = Text(json, spellings, parent, errors);
  if (errors->list().size() == before && absl::StripAsciiWhitespace(text).empty()) {
    errors->Add(absl::StrCat(parent, FindKey(json, spellings)), "is empty");
  }
  return text;
}

void ReadPromptResponse(const Json& json, Row* row, FieldErrors* errors) {
  row->turns.push_back({Text(json, {"prompt"}, "", errors),
                        NonEmptyText(json, {"response", "completion"}, "", errors)});
}

void ReadInstruction(const Json& json, Row* row, FieldErrors* errors) {
  Turn turn;
  turn.prompt = Text(json, {"instruction"}, "", errors);
  std::string input;  // the first that is there and not empty
  for (const char* key : {"input", "context"}) {
    const bool look = input.empty() && json.contains(key) && !json[key].is_null();
    if (look) input = Text(json, {key}, "", errors);
  }
  if (!input.empty()) absl::StrAppend(&turn.prompt, "\n\n", input);
  turn.response = NonEmptyText(json, {"output", "response"}, "", errors);
  row->turns.push_back(std::move(turn));
}

void ReadQuestionAnswer(const Json& json, Row* row, FieldErrors* errors) {
  row->turns.push_back(
      {Text(json, {"question"}, "", errors), NonEmptyText(json, {"answer"}, "", errors)});
}

void ReadText(const Json& json, Row* row, FieldErrors* errors) {
  row->is_text = true;
  row->turns.push_back({"", NonEmptyText(json, {"text"}, "", errors)});
}

enum class Speaker { kSystem, kUser, kAssistant, kUnknown };

// How a list of messages is written: its key, those of a message, and who may speak.
struct MessageKeys {
  const char* list;
  const char* speaker;
  const char* content;
  std::vector<std::pair<absl::string_view, Speaker>> names;
};

// Pairs messages into turns, one after the other.
class MessagePairing {
 public:
  MessagePairing(const MessageKeys& keys, Row* row, FieldErrors* errors)
      : keys_(keys), row_(row), errors_(errors) {}

  void Add(const Json& message, size_t index) {
    const std::string path = absl::StrCat(keys_.list, "[", index, "]");
    if (!message.is_object()) {
      errors_->Add(path, absl::StrCat("must be an object, got ", DescribeJson(message)));
      return;
    }
    const FieldContext speaker_at{absl::StrCat(path, ".", keys_.speaker), errors_};
    const size_t before = errors_->list().size();
    const std::string name = Text(message, {keys_.speaker}, path + ".", errors_);
    if (errors_->list().size() > before) return;
    switch (SpeakerOf(name)) {
      case Speaker::kSystem:
        if (index > 0) speaker_at.Error("a system message can only be the first");
        row_->system = Text(message, {keys_.content}, path + ".", errors_);
        break;
      case Speaker::kUser:
        AddUser(Text(message, {keys_.content}, path + ".", errors_));
        break;
      case Speaker::kAssistant:
        AddAssistant(NonEmptyText(message, {keys_.content}, path + ".", errors_), speaker_at);
        break;
      case Speaker::kUnknown:
        speaker_at.Error(UnknownName(name));
    }
  }

 private:
  Speaker SpeakerOf(absl::string_view name) const {
    const auto found = std::find_if(keys_.names.begin(), keys_.names.end(),
                                    [&](const auto& entry) { return entry.first == name; });
    return found == keys_.names.end() ? Speaker::kUnknown : found->second;
  }

  std::string UnknownName(const std::string& name) const {
    std::vector<absl::string_view> names;
    for (const auto& entry : keys_.names) names.push_back(entry.first);
    const std::string unknown = UnknownField(name, names);
    const size_t hint = unknown.find("; did you mean");
    const absl::string_view last = names.back();
    names.pop_back();
    return absl::StrCat(DumpJson(name), " is not a role",
                        hint == unknown.npos
                            ? absl::StrCat("; expected ", absl::StrJoin(names, ", "), " or ", last)
                            : unknown.substr(hint));
  }

  void AddUser(const std::string& content) {
    if (asked_) {
      absl::StrAppend(&prompt_, "\n\n", content);
    } else {
      prompt_ = content;
    }
    asked_ = true;
  }

  void AddAssistant(std::string content, const FieldContext& at) {
    if (!asked_) at.Error("an assistant message must follow a user message");
    row_->turns.push_back({std::exchange(prompt_, ""), std::move(content)});
    asked_ = false;
  }

  const MessageKeys& keys_;
  Row* row_;
  FieldErrors* errors_;
  std::string prompt_;  // user messages that wait for their answer
  bool asked_ = false;
};

// User messages after the last answer are left out: nothing is learned from them.
void ReadMessageList(const MessageKeys& keys, const Json& json, Row* row, FieldErrors* errors) {
  const Json& messages = json[keys.list];
  if (!messages.is_array()) {
    errors->Add(keys.list, absl::StrCat("must be an array, got ", DescribeJson(messages)));
    return;
  }
  MessagePairing pairing(keys, row, errors);
  for (size_t i = 0; i < messages.size(); ++i) pairing.Add(messages[i], i);
  if (row->turns.empty() && errors->empty()) errors->Add(keys.list, "has no assistant message");
}

void ReadMessages(const Json& json, Row* row, FieldErrors* errors) {
  using enum Speaker;
  static const MessageKeys keys = {
      "messages",
      "role",
      "content",
      {{"system", kSystem}, {"user", kUser}, {"assistant", kAssistant}}};
  ReadMessageList(keys, json, row, errors);
}

// ShareGPT, with the speakers' names that sets of its kind use.
void ReadConversations(const Json& json, Row* row, FieldErrors* errors) {
  using enum Speaker;
  static const MessageKeys keys = {"conversations",
                                   "from",
                                   "value",
                                   {{"system", kSystem},
                                    {"human", kUser},
                                    {"user", kUser},
                                    {"gpt", kAssistant},
                                    {"assistant", kAssistant},
                                    {"chatgpt", kAssistant}}};
  ReadMessageList(keys, json, row, errors);
}

const std::vector<RowFormat>& RowFormats() {
  static const std::vector<RowFormat> formats = {
      {"messages", {{"messages"}}, {}, ReadMessages},
      {"conversations", {{"conversations"}}, {}, ReadConversations},
      {"prompt_response", {{"prompt"}, {"response", "completion"}}, {}, ReadPromptResponse},
      {"instruction",
       {{"instruction"}, {"output", "response"}},
       {"input", "context"},
       ReadInstruction},
      {"question_answer", {{"question"}, {"answer"}}, {}, ReadQuestionAnswer},
      {"text", {{"text"}}, {}, ReadText},
  };
  return formats;
}

}  // namespace

std::vector<std::string> RowFormatKeys() {
  std::set<std::string> keys;
  for (const RowFormat& format : RowFormats()) {
    for (const auto& spellings : format.keys) {
      keys.insert(spellings.begin(), spellings.end());
    }
    keys.insert(format.optional_key.begin(), format.optional_key.end());
  }
  return {keys.begin(), keys.end()};
}

bool HasKeysOf(const RowFormat& format, const Json& json) {
  return std::all_of(format.keys.begin(), format.keys.end(),
                     [&](const auto& spellings) { return FindKey(json, spellings) != nullptr; });
}

const RowFormat* FindRowFormat(const Json& json) {
  for (const RowFormat& format : RowFormats()) {
    if (HasKeysOf(format, json)) return &format;
  }
  return nullptr;
}

std::string DescribeKeys(const RowFormat& format) {
  return absl::StrJoin(format.keys, " and ", [](std::string* out, const auto& spellings) {
    absl::StrAppend(out, "\"", absl::StrJoin(spellings, "\" (or \""), "\"",
                    spellings.size() > 1 ? ")" : "");
  });
}

std::string DescribeRowFormats() {
  return absl::StrJoin(RowFormats(), "; ", [](std::string* out, const RowFormat& format) {
    absl::StrAppend(out, DescribeKeys(format));
  });
}

}  // namespace tune
