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
  int64_t row = 0;  // line in the dataset file, from 1

  int64_t target_tokens() const;
};

// How a prompt and a response become text. Built-in names: user_assistant (default),
// instruct, alpaca, plain; else a text with {prompt} and {response}.
class PromptTemplate {
 public:
  // INVALID_ARGUMENT where a placeholder is missing, doubled, or the name is unknown.
  static absl::StatusOr<PromptTemplate> Parse(const std::string& name_or_text);

  // "User: {prompt}\n\nAssistant: " — what stands before the response.
  std::string Prompt(const std::string& prompt) const;
  // What follows the response, before the end token ("" for the built-in ones).
  const std::string& suffix() const { return suffix_; }
  // What stands between two turns of a conversation.
  const std::string& separator() const { return separator_; }

 private:
  std::string before_, between_, suffix_, separator_ = "\n\n";
};

// A row's tokens, the end token (eos) appended and learned. train_on_all: every token but
// the first is a target; else those of the responses and their end tokens.
Example MakeExample(const Row& row, const PromptTemplate& prompt_template,
                    const Tokenizer& tokenizer, int32_t eos, bool train_on_all);

}  // namespace tune
