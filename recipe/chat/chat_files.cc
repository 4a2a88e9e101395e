#include "recipe/chat/chat_files.h"

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/json_fields.h"
#include "base/status.h"

namespace tune {
namespace {

constexpr char kTokenizerConfig[] = "tokenizer_config.json";
constexpr char kSpecialTokens[] = "special_tokens_map.json";
constexpr char kProcessorTemplate[] = "chat_template.json";
constexpr char kKey[] = "chat_template";
constexpr char kToolUse[] = "tool_use";

// transformers: PreTrainedTokenizerBase.SPECIAL_TOKENS_ATTRIBUTES.
constexpr const char* kTokenNames[] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                       "pad_token", "cls_token", "mask_token"};

// An object, empty where there is no such file.
absl::StatusOr<Json> ReadObject(const std::string& path) {
  if (!Exists(path)) return Json::object();
  ASSIGN_OR_RETURN(Json json, ReadJsonFile(path));
  if (json.is_object()) return json;
  return absl::InvalidArgumentError(absl::StrCat(path, ": must be an object"));
}

// A token stands as its text, or as an object with its "content".
void AddTokens(const Json& file, Json* tokens) {
  for (const char* name : kTokenNames) {
    Json token = file.value(name, Json());
    if (token.is_object()) token = token.value("content", Json());
    if (token.is_string() && !tokens->contains(name)) (*tokens)[name] = token;
  }
}

absl::Status AddNamed(const Json& named, const std::string& at, ChatTemplateText* chat) {
  for (const Json& entry : named) {
    const Json name = entry.is_object() ? entry.value("name", Json()) : Json();
    const Json text = entry.is_object() ? entry.value("template", Json()) : Json();
    if (!name.is_string() || !text.is_string()) {
      return absl::InvalidArgumentError(
          absl::StrCat(at, ": must be a text or a list of objects with a name and a template"));
    }
    if (name == "default") chat->text = text.get<std::string>();
    if (name == kToolUse) chat->tool_use = text.get<std::string>();
  }
  return absl::OkStatus();
}

absl::Status AddTemplate(const Json& json, const std::string& path, ChatTemplateText* chat) {
  const Json text = json.value(kKey, Json());
  if (text.is_null() || !chat->text.empty()) return absl::OkStatus();
  if (!text.is_string()) {
    return AddNamed(text.is_array() ? text : Json::array({text}), absl::StrCat(path, ":", kKey),
                    chat);
  }
  chat->text = text.get<std::string>();
  return absl::OkStatus();
}

absl::Status ReadJinjaFiles(const std::string& folder, ChatTemplateText* chat) {
  const std::string tools =
      JoinPath(JoinPath(folder, kChatTemplatesFolder), absl::StrCat(kToolUse, ".jinja"));
  if (Exists(JoinPath(folder, kChatTemplateFile))) {
    ASSIGN_OR_RETURN(chat->text, ReadFile(JoinPath(folder, kChatTemplateFile)));
  }
  if (Exists(tools)) {
    ASSIGN_OR_RETURN(chat->tool_use, ReadFile(tools));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ChatTemplateText> ReadChatTemplate(const std::string& folder) {
  ChatTemplateText chat;
  RETURN_IF_ERROR(ReadJinjaFiles(folder, &chat));
  ASSIGN_OR_RETURN(const Json config, ReadObject(JoinPath(folder, kTokenizerConfig)));
  ASSIGN_OR_RETURN(const Json tokens, ReadObject(JoinPath(folder, kSpecialTokens)));
  ASSIGN_OR_RETURN(const Json processor, ReadObject(JoinPath(folder, kProcessorTemplate)));
  AddTokens(config, &chat.tokens);
  AddTokens(tokens, &chat.tokens);
  RETURN_IF_ERROR(AddTemplate(config, JoinPath(folder, kTokenizerConfig), &chat));
  RETURN_IF_ERROR(AddTemplate(processor, JoinPath(folder, kProcessorTemplate), &chat));
  return chat;
}

bool HasChatTemplate(const std::string& folder) {
  for (const char* file : {kChatTemplateFile, kProcessorTemplate}) {
    if (Exists(JoinPath(folder, file))) return true;
  }
  const auto config = ReadObject(JoinPath(folder, kTokenizerConfig));
  return config.ok() && !config->value(kKey, Json()).is_null();
}

}  // namespace tune
