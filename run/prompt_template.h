// How a prompt and a response become the text of an example.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace tune {

// The template that is none of ours: the model's own chat template (recipe/chat/chat_template.h).
inline constexpr char kChatTemplateName[] = "chat";

// A stretch of an example's text. What a template writes may name special tokens
// ("<|im_start|>"), which become their ids; what a row wrote stays text, whatever it spells.
struct TemplatePart {
  std::string text;
  bool from_template = false;
};

// How a prompt and a response become text. Built-in names: user_assistant (default),
// instruct, alpaca, plain; else a text with {prompt} and {response}.
//
// What a prompt speaks of (Alpaca's "input") follows it after an empty line; alpaca has a form of
// its own for it, as tatsu-lab/stanford_alpaca has.
//
// A space that ends the text before {response} ("Assistant: {response}") belongs to the
// response's side: byte-level BPE writes a word with the space before it (" Paris" is one
// token, and the one that pretraining has seen), and a prompt that ends in a lone space
// would ask for a token that text hardly ever has there. So Prompt() ends in "Assistant:",
// the response that is learned begins with " ", and so does what is generated.
class PromptTemplate {
 public:
  // INVALID_ARGUMENT where a placeholder is missing or doubled, or the name is unknown;
  // kChatTemplateName is none of these.
  static absl::StatusOr<PromptTemplate> Parse(const std::string& name_or_text);

  // "User: {prompt}\n\nAssistant:" — exactly what stands before generation. `input` is "" for
  // none.
  std::vector<TemplatePart> PromptParts(const std::string& prompt, const std::string& input) const;
  // " {response}" and the suffix — what is to be learned after PromptParts(), without the end
  // token.
  std::vector<TemplatePart> ResponseParts(const std::string& response) const;
  // Both as one text.
  std::string Prompt(const std::string& prompt, const std::string& input = "") const;
  std::string Response(const std::string& response) const;
  // What Response() puts before the response: " " or "". Generated text begins with it.
  const std::string& lead() const { return lead_; }
  // What follows the response, before the end token ("" for the built-in ones).
  const std::string& suffix() const { return suffix_; }
  // INVALID_ARGUMENT where a template's text has a name in braces that is no placeholder
  // ("{input}", "{{prompt}}"), which would be learned as it stands. Parse takes such a text, since
  // jobs of earlier releases may have it.
  static absl::Status CheckPlaceholders(const std::string& name_or_text);

  // What stands between two turns of a conversation.
  const std::string& separator() const { return separator_; }

 private:
  // What stands around a prompt, or around a prompt and its input.
  struct Around {
    std::string before, input, after;  // `input` "": there is no form of its own for one
  };
  static absl::StatusOr<PromptTemplate> ParseText(const std::string& text);

  Around alone_, with_input_;
  std::string lead_, suffix_, separator_ = "\n\n";
};

}  // namespace tune
