// The chat templates that a model's folder has.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "base/json.h"

namespace tune {

inline constexpr char kChatTemplateFile[] = "chat_template.jinja";
// A folder of further ones, each NAME.jinja.
inline constexpr char kChatTemplatesFolder[] = "additional_chat_templates";

// What it takes to ask a model as its makers do.
struct ChatTemplateText {
  std::string text;      // Jinja; "" where the model has none
  std::string tool_use;  // the one for conversations with tools; "": the same
  // The special tokens that a template may name, by the variable's name ("bos_token").
  Json tokens = Json::object();
};

// What transformers' apply_chat_template takes: chat_template.jinja and additional_chat_templates/,
// else "chat_template" of tokenizer_config.json (a text, or a list of {"name", "template"}), else
// that of chat_template.json. Tokens are those of tokenizer_config.json, then of
// special_tokens_map.json. An error names the file.
absl::StatusOr<ChatTemplateText> ReadChatTemplate(const std::string& folder);

// Whether the folder says how its model is asked.
bool HasChatTemplate(const std::string& folder);

}  // namespace tune
