// Rows as tokens: the template applied, tokenized, targets marked.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "recipe/data/dataset.h"
#include "recipe/tokenizer/tokenizer.h"
#include "run/prompt_template.h"

namespace tune {

// One training example. Position t predicts ids[t + 1]; it counts in the loss iff
// target[t + 1] != 0. target[0] is always 0: nothing predicts the first token.
struct Example {
  std::vector<int32_t> ids;
  std::vector<uint8_t> target;
  int64_t row = 0;  // in the dataset file, from 1: the line, or the array's element

  int64_t target_tokens() const;
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
