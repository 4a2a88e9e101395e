// Rows as tokens: the template applied, tokenized, targets marked.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "recipe/dataset.h"
#include "recipe/tokenizer.h"

namespace tune {

// One training example. Position t predicts ids[t + 1]; it counts in the loss iff
// target[t + 1] != 0. target[0] is always 0: nothing predicts the first token.
struct Example {
  std::vector<int32_t> ids;
  std::vector<uint8_t> target;
  int64_t row = 0;  // in the dataset file, from 1: the line, or the array's element

  int64_t target_tokens() const;
};

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

// A row's tokens, the end token (eos) appended and learned. train_on_all: every token but
// the first is a target; else those of the responses and their end tokens.
//
//   system \n\n User: p1 \n\n Assistant:| r1 eos|\n\n User: p2 \n\n Assistant:| r2 eos|
//
// What stands between two bars is learned. Each side of a bar is tokenized by itself, so
// that no token lies on both, and a prompt has the same ids here as before generation.
// The end token closes every response, as chat templates have it; a model learns to stop
// at each. A `text` row is the text and the end token, all of it learned. Special tokens
// written in a row stay text. Example::row is left for the caller to set.
Example MakeExample(const Row& row, const PromptTemplate& prompt_template,
                    const Tokenizer& tokenizer, int32_t eos, bool train_on_all);

}  // namespace tune
