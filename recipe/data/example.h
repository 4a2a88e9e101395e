// Rows as tokens: the template applied, tokenized, targets marked.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "recipe/chat/chat_template.h"
#include "recipe/data/row.h"
#include "recipe/tokenizer/tokenizer.h"
#include "run/prompt_template.h"
#include "run/spec.h"

namespace tune {

class RowDrawing;

// One training example. Position t predicts ids[t + 1]; it counts in the loss iff
// target[t + 1] != 0. target[0] is always 0: nothing predicts the first token.
struct Example {
  std::vector<int32_t> ids;
  std::vector<uint8_t> target;
  int64_t row = 0;  // in the dataset file, from 1: the line, or the array's element

  int64_t target_tokens() const;
};

// What is learned: a spec's train_on.
enum class TrainOn { kResponses, kLastResponse, kAll };
// Of "responses", "last_response" and "all", which a spec's reader has made sure of.
TrainOn TrainOnNamed(absl::string_view name);

// How rows become tokens. The tokenizer is borrowed.
struct ExampleFormat {
  PromptTemplate prompt_template;
  const Tokenizer* tokenizer;
  int32_t eos;
  TrainOn train_on = TrainOn::kResponses;
  // The model's own chat template, which stands for prompt_template then, and the token that closes
  // an answer by it (chat_example.h); null and -1 where the spec names another.
  std::shared_ptr<ChatTemplate> chat = nullptr;
  int32_t turn_end = -1;
  std::shared_ptr<const RowDrawing> drawing = nullptr;  // what rows become before (row_drawing.h)
};

// The model that a format is for. `date` is what its chat template may tell.
struct FormatModel {
  const Tokenizer& tokenizer;
  int64_t end_token;
  std::string folder;
  absl::Time date;
};

// As the spec has it; an error is its template's. Where that is kChatTemplateName, it is read from
// the model's folder.
absl::StatusOr<ExampleFormat> ExampleFormatOf(const RunSpec& spec, const FormatModel& model);

// A row's tokens, the end token (eos) appended and learned.
//
//   system \n\n User: p1 \n\n Assistant:| r1 eos|\n\n User: p2 \n\n Assistant:| r2 eos|
//
// What stands between two bars is learned: of answers that are (Message::learned), or of the
// last one alone, or, under "all", the prompts too, but never the first token. Each side of a bar
// is tokenized by itself, so that no token lies on both, and a prompt has the same ids here as
// before generation. The end token closes every response, as chat templates have it; a model learns
// to stop at each. A `text` row is the text and the end token, all of it learned. Special tokens
// written in a row stay text; those that the template writes are themselves.
//
// Tools that may be called follow the system, a line of JSON each; the text of a tool's message
// goes into the next prompt after "Tool result: ", and a call is its line of JSON in the answer.
//
// Example::row is left for the caller to set. An error, which only a chat template gives, is the
// row's.
absl::StatusOr<Example> MakeExample(const Row& row, const ExampleFormat& format);

// Where a reply by the format ends: at any of `ends`, or where a chat template closes its answers.
std::vector<int32_t> WithTurnEnd(std::vector<int32_t> ends, const ExampleFormat& format);

// The ids of a prompt as an example has them, which generation begins from.
absl::StatusOr<std::vector<int32_t>> PromptIds(const ExampleFormat& format,
                                               const std::string& prompt);

}  // namespace tune
