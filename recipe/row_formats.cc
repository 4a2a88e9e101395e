#include "recipe/row_formats.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "recipe/json_fields.h"

namespace tune {
namespace {

// The first of `spellings` that `json` has, or null.
const char* FindKey(const Json& json, const std::vector<const char*>& spellings) {
  for (const char* key : spellings) {
    if (json.contains(key)) return key;
  }
  return nullptr;
}

// The text at the first of `spellings` that is there; "" and an error where it is no text.
std::string Text(const Json& json, const std::vector<const char*>& spellings,
                 const std::string& parent, FieldErrors* errors) {
  const char* key = FindKey(json, spellings);
  const std::string path = absl::StrCat(parent, key == nullptr ? spellings[0] : key);
  if (key == nullptr) {
    errors->Add(path, "is missing");
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
  const bool has_input = json.contains("input") && !json["input"].is_null();
  const std::string input = has_input ? Text(json, {"input"}, "", errors) : "";
  if (!input.empty()) absl::StrAppend(&turn.prompt, "\n\n", input);
  turn.response = NonEmptyText(json, {"output"}, "", errors);
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

// Pairs messages into turns, one after the other.
class MessagePairing {
 public:
  MessagePairing(Row* row, FieldErrors* errors) : row_(row), errors_(errors) {}

  void Add(const Json& message, size_t index) {
    const std::string path = absl::StrCat("messages[", index, "]");
    if (!message.is_object()) {
      errors_->Add(path, absl::StrCat("must be an object, got ", DescribeJson(message)));
      return;
    }
    const FieldContext role_at{path + ".role", errors_};
    const std::string role = Text(message, {"role"}, path + ".", errors_);
    if (role == "system") {
      AddSystem(message, index, path);
    } else if (role == "user") {
      AddUser(Text(message, {"content"}, path + ".", errors_));
    } else if (role == "assistant") {
      AddAssistant(NonEmptyText(message, {"content"}, path + ".", errors_), role_at);
    } else if (message.contains("role") && message["role"].is_string()) {
      role_at.Error(UnknownRole(role));
    }
  }

 private:
  static std::string UnknownRole(const std::string& role) {
    const std::string known = UnknownField(role, {"system", "user", "assistant"});
    const size_t hint = known.find("; did you mean");
    return absl::StrCat(
        "\"", role, "\" is not a role",
        hint == known.npos ? "; expected system, user or assistant" : known.substr(hint));
  }

  void AddSystem(const Json& message, size_t index, const std::string& path) {
    if (index > 0) errors_->Add(path + ".role", "a system message can only be the first");
    row_->system = Text(message, {"content"}, path + ".", errors_);
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

  Row* row_;
  FieldErrors* errors_;
  std::string prompt_;  // user messages that wait for their answer
  bool asked_ = false;
};

// User messages after the last answer are left out: nothing is learned from them.
void ReadMessages(const Json& json, Row* row, FieldErrors* errors) {
  const Json& messages = json["messages"];
  if (!messages.is_array()) {
    errors->Add("messages", absl::StrCat("must be an array, got ", DescribeJson(messages)));
    return;
  }
  MessagePairing pairing(row, errors);
  for (size_t i = 0; i < messages.size(); ++i) pairing.Add(messages[i], i);
  if (row->turns.empty() && errors->empty()) errors->Add("messages", "has no assistant message");
}

const std::vector<RowFormat>& RowFormats() {
  static const std::vector<RowFormat> formats = {
      {"messages", {{"messages"}}, ReadMessages},
      {"prompt_response", {{"prompt"}, {"response", "completion"}}, ReadPromptResponse},
      {"instruction", {{"instruction"}, {"output"}}, ReadInstruction},
      {"question_answer", {{"question"}, {"answer"}}, ReadQuestionAnswer},
      {"text", {{"text"}}, ReadText},
  };
  return formats;
}

}  // namespace

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
