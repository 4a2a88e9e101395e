// How a prompt and a response become the text of an example.
#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace tune {

// How a prompt and a response become text. Built-in names: user_assistant (default),
// instruct, alpaca, plain; else a text with {prompt} and {response}.
//
// A space that ends the text before {response} ("Assistant: {response}") belongs to the
// response's side: byte-level BPE writes a word with the space before it (" Paris" is one
// token, and the one that pretraining has seen), and a prompt that ends in a lone space
// would ask for a token that text hardly ever has there. So Prompt() ends in "Assistant:",
// the response that is learned begins with " ", and so does what is generated.
class PromptTemplate {
 public:
  // INVALID_ARGUMENT where a placeholder is missing, doubled, or the name is unknown.
  static absl::StatusOr<PromptTemplate> Parse(const std::string& name_or_text);

  // "User: {prompt}\n\nAssistant:" — exactly what stands before generation.
  std::string Prompt(const std::string& prompt) const;
  // " {response}" and the suffix — what is to be learned after Prompt(), without the end
  // token.
  std::string Response(const std::string& response) const;
  // What Response() puts before the response: " " or "". Generated text begins with it.
  const std::string& lead() const { return lead_; }
  // What follows the response, before the end token ("" for the built-in ones).
  const std::string& suffix() const { return suffix_; }
  // What stands between two turns of a conversation.
  const std::string& separator() const { return separator_; }

 private:
  std::string before_, between_, lead_, suffix_, separator_ = "\n\n";
};

}  // namespace tune
