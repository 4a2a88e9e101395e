#include "recipe/data/conversation.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/json_fields.h"
#include "recipe/data/form_fields.h"
#include "recipe/data/speakers.h"

namespace tune {
namespace {

constexpr const char* kRoleKeys[] = {"role", "from"};
constexpr const char* kContentKeys[] = {"content", "value", "text"};
constexpr const char* kLearnKeys[] = {"train", "training", "loss"};
// Marks that would change what is learned, for which there is no reading.
constexpr const char* kRefusedKeys[] = {"train_detail", "training_detail", "loss_scale", "prefix"};

template <size_t N>
std::string FirstKey(const Json& message, const char* const (&keys)[N]) {
  const auto* found = std::find_if(std::begin(keys), std::end(keys),
                                   [&](const char* key) { return message.contains(key); });
  return found == std::end(keys) ? "" : *found;
}

// What a message says, and where errors in it go.
class MessageReader {
 public:
  MessageReader(const Json& json, std::string path, const MessageKeys& keys, FieldErrors* errors)
      : json_(json), path_(std::move(path)), errors_(errors) {
    role_key_ = keys.role.empty() ? FirstKey(json, kRoleKeys) : keys.role;
    content_key_ = keys.content.empty() ? FirstKey(json, kContentKeys) : keys.content;
    if (role_key_.empty()) role_key_ = content_key_ == "value" ? "from" : "role";
    if (content_key_.empty()) content_key_ = role_key_ == "from" ? "value" : "content";
  }

  std::optional<Speaker> ReadSpeaker() const {
    const Json* role = Find(role_key_);
    if (role == nullptr || !role->is_string()) {
      Error(role_key_, role == nullptr ? "is missing"
                                       : absl::StrCat("must be a text, got ", DescribeJson(*role)));
      return std::nullopt;
    }
    const std::string name = role->get<std::string>();
    const auto speaker = SpeakerNamed(name);
    if (!speaker) Error(role_key_, UnknownSpeaker(name));
    return speaker;
  }

  // The content as one text; "" where it is null.
  std::string ReadContent() const {
    const Json* content = Find(content_key_);
    if (content == nullptr) {
      const bool may_miss = json_.contains("tool_calls") || json_.contains("function_call");
      if (!may_miss) Error(content_key_, json_.contains(content_key_) ? "is null" : "is missing");
      return "";
    }
    if (content->is_string()) return content->get<std::string>();
    if (content->is_array()) return JoinParts(*content);
    Error(content_key_, absl::StrCat("must be a text, got ", DescribeJson(*content)));
    return "";
  }

  Message ReadAnswer() const {
    Message answer{Role::kAssistant, ReadContent()};
    answer.tool_calls = ReadToolCalls();
    answer.learned = ReadLearned();
    const bool empty = absl::StripAsciiWhitespace(answer.text).empty();
    if (empty && answer.tool_calls.is_null() && Find(content_key_) != nullptr) {
      Error(content_key_, "is empty");
    }
    return answer;
  }

  // A message that is a call as a whole: ShareGPT's "function_call".
  Message ReadCall() const {
    Message answer{Role::kAssistant, ""};
    const std::string text = ReadContent();
    const auto call = ParseJson(text);
    if (call.ok() && call->is_object()) {
      answer.tool_calls = Json::array({*call});
    } else {
      answer.text = text;
    }
    answer.learned = ReadLearned();
    return answer;
  }

  void NoteUnread(const std::string& list, std::set<std::string>* unread) const {
    static const std::set<std::string> kRead = {"weight", "train",      "training",
                                                "loss",   "tool_calls", "function_call"};
    for (const auto& [key, value] : json_.items()) {
      const bool read = key == role_key_ || key == content_key_ || kRead.count(key) > 0;
      if (!read && !IsNothing(value)) unread->insert(absl::StrCat(list, "[].", key));
    }
  }

  void CheckRefused() const {
    for (const char* key : kRefusedKeys) {
      const Json* mark = Find(key);
      const bool set = mark != nullptr && !IsNothing(*mark) && *mark != Json(false);
      if (set) Error(key, "marks a part of a message, which cannot be honoured; take it out");
    }
  }

  void Error(const std::string& key, std::string message) const {
    errors_->Add(absl::StrCat(path_, ".", key), std::move(message));
  }
  const std::string& role_key() const { return role_key_; }

 private:
  // Null where the key is absent or has no value.
  const Json* Find(const std::string& key) const {
    const auto found = json_.find(key);
    return found == json_.end() || found->is_null() ? nullptr : &*found;
  }

  std::string JoinParts(const Json& parts) const {
    std::string text;
    for (size_t i = 0; i < parts.size(); ++i) {
      const std::string at = absl::StrCat(content_key_, "[", i, "]");
      if (parts[i].is_string()) {
        text += parts[i].get<std::string>();
      } else if (!parts[i].is_object()) {
        Error(at, absl::StrCat("must be a part with a type, got ", DescribeJson(parts[i])));
      } else if (parts[i].value("type", Json("text")) != Json("text")) {
        Error(at, absl::StrCat("is of type ", DumpJson(parts[i]["type"]),
                               "; a text model learns from parts of type \"text\" alone"));
      } else if (const Json part = parts[i].value("text", Json()); part.is_string()) {
        text += part.get<std::string>();
      } else {
        Error(at + ".text", absl::StrCat("must be a text, got ", DescribeJson(part)));
      }
    }
    return text;
  }

  bool ReadLearned() const {
    bool learned = true;
    if (const Json* weight = Find("weight")) {
      if (*weight != Json(0) && *weight != Json(1)) {
        Error("weight", absl::StrCat("must be 0 or 1, got ", DescribeJson(*weight)));
      }
      learned = *weight != Json(0);
    }
    for (const char* key : kLearnKeys) {
      const Json* mark = Find(key);
      if (mark == nullptr) continue;
      if (!mark->is_boolean()) {
        Error(key, absl::StrCat("must be true or false, got ", DescribeJson(*mark)));
      } else {
        learned = learned && mark->get<bool>();
      }
    }
    return learned;
  }

  Json ReadToolCalls() const {
    Json calls = Json::array();
    if (const Json* one = Find("function_call")) AddCall(*one, "function_call", &calls);
    if (const Json* list = Find("tool_calls"); list != nullptr && list->is_array()) {
      for (size_t i = 0; i < list->size(); ++i) {
        const Json& call = (*list)[i];
        const bool wrapped = call.is_object() && call.contains("function");
        AddCall(wrapped ? call["function"] : call, absl::StrCat("tool_calls[", i, "]"), &calls);
      }
    } else if (list != nullptr) {
      Error("tool_calls", absl::StrCat("must be an array, got ", DescribeJson(*list)));
    }
    return calls.empty() ? Json() : calls;
  }

  // OpenAI writes the arguments as JSON's text, others as an object.
  void AddCall(const Json& call, const std::string& at, Json* calls) const {
    if (!call.is_object() || !call.value("name", Json()).is_string()) {
      return Error(at, absl::StrCat("must have a name and arguments, got ", DescribeJson(call)));
    }
    Json arguments = call.value("arguments", Json::object());
    if (arguments.is_string()) {
      auto parsed = ParseJson(arguments.get<std::string>());
      if (parsed.ok()) arguments = *std::move(parsed);
    }
    calls->push_back({{"name", call["name"]}, {"arguments", std::move(arguments)}});
  }

  const Json& json_;
  const std::string path_;
  FieldErrors* errors_;
  std::string role_key_;
  std::string content_key_;
};

// The list itself, where some exporters wrote its JSON as a text; null and an error otherwise.
Json ListOf(const Json& json, const std::string& path, FieldErrors* errors) {
  if (json.is_array()) return json;
  if (json.is_string()) {
    auto parsed = ParseJson(json.get<std::string>());
    if (parsed.ok() && parsed->is_array()) return *std::move(parsed);
  }
  errors->Add(path, absl::StrCat("must be an array of messages, got ", DescribeJson(json)));
  return nullptr;
}

// Appends messages in an order that makes sense.
class ConversationReader {
 public:
  ConversationReader(const MessageKeys& keys, Row* row, std::set<std::string>* unread,
                     FieldErrors* errors)
      : keys_(keys), row_(row), unread_(unread), errors_(errors) {}

  void AddList(const MessageList& list) {
    if (list.json.is_object()) return Add(list.json, list.path, list.path);
    const Json parsed = list.json.is_array() ? Json() : ListOf(list.json, list.path, errors_);
    const Json& messages = list.json.is_array() ? list.json : parsed;
    for (size_t i = 0; i < messages.size(); ++i) {
      Add(messages[i], list.path, absl::StrCat(list.path, "[", i, "]"));
    }
  }

 private:
  void Add(const Json& json, const std::string& list, const std::string& path) {
    const bool first = !any_;
    any_ = true;
    if (!json.is_object()) {
      errors_->Add(path, absl::StrCat("must be an object, got ", DescribeJson(json)));
      return;
    }
    const MessageReader message(json, path, keys_, errors_);
    message.NoteUnread(list, unread_);
    message.CheckRefused();
    const auto speaker = message.ReadSpeaker();
    if (!speaker) return;
    switch (*speaker) {
      case Speaker::kSystem:
        return AddSystem(message, first);
      case Speaker::kUser:
        return Append({Role::kUser, message.ReadContent()}, message);
      case Speaker::kTool:
        return Append({Role::kTool, message.ReadContent()}, message);
      case Speaker::kAssistant:
        return Append(message.ReadAnswer(), message);
      case Speaker::kToolCall:
        return Append(message.ReadCall(), message);
    }
  }

  void AddSystem(const MessageReader& message, bool first) {
    if (!first) message.Error(message.role_key(), "a system message can only be the first");
    const std::string text = message.ReadContent();
    if (row_->system.empty()) row_->system = text;
    if (row_->system != text) message.Error(message.role_key(), "the row has a system of its own");
  }

  // One error is told at its place; what only follows from it is not.
  void Append(Message message, const MessageReader& at) {
    if (errors_->empty()) CheckOrder(message, at);
    row_->messages.push_back(std::move(message));
  }

  void CheckOrder(const Message& message, const MessageReader& at) {
    const Message* last = row_->messages.empty() ? nullptr : &row_->messages.back();
    const bool answers = last != nullptr && last->role != Role::kAssistant;
    if (message.role == Role::kAssistant && !answers) {
      at.Error(at.role_key(), "an assistant message must follow a user message");
    }
    if (message.role == Role::kTool && (last == nullptr || last->role == Role::kUser)) {
      at.Error(at.role_key(), "a tool's message must follow the assistant's call");
    }
  }

  const MessageKeys& keys_;
  bool any_ = false;  // whether there was a message before
  Row* row_;
  std::set<std::string>* unread_;
  FieldErrors* errors_;
};

}  // namespace

void ReadConversation(const std::vector<MessageList>& lists, const MessageKeys& keys, Row* row,
                      std::set<std::string>* unread, FieldErrors* errors) {
  ConversationReader reader(keys, row, unread, errors);
  for (const MessageList& list : lists) reader.AddList(list);
  const std::string& path = lists.back().path;
  const auto is_answer = [](const Message& m) { return m.role == Role::kAssistant; };
  const auto last = std::find_if(row->messages.rbegin(), row->messages.rend(), is_answer);
  if (last == row->messages.rend()) {
    if (errors->empty()) errors->Add(path, "has no assistant message");
    return;
  }
  if (last != row->messages.rbegin()) unread->insert(path + ": messages after the last answer");
  row->messages.erase(last.base(), row->messages.end());
}

std::string AnswerText(const Message& answer) {
  std::string text = answer.text;
  for (const Json& call : answer.tool_calls) {
    absl::StrAppend(&text, text.empty() ? "" : "\n", DumpJson(call));
  }
  return text;
}

}  // namespace tune
