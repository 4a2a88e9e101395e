// Rows of an instruction dataset in the formats people have, one JSON object a line.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tune {

// One exchange, or plain text (prompt empty, is_text). A conversation is a list of them.
struct Turn {
  std::string prompt;
  std::string response;
};

struct Row {
  std::string system;  // "" for none
  std::vector<Turn> turns;
  bool is_text = false;  // turns[0].response is the whole text; no template applies
};

struct DatasetSummary {
  std::string format;  // prompt_response, instruction, messages, text, question_answer
  int64_t rows = 0;
};

// Reads a JSON Lines file row by row and calls `on_row(line, row)`, line from 1; its
// error ends the reading and is returned. Formats, told by the first row's keys:
//   {"prompt","response"} (also "completion")        prompt_response
//   {"instruction","output"[,"input"]}               instruction  (Alpaca)
//   {"messages":[{"role","content"}]}                messages
//   {"text"}                                         text
//   {"question","answer"}                            question_answer  (GSM8K)
// Other keys are passed over; a later row that lacks the format's keys is malformed, as is
// an empty response. In messages, several user messages in a row are joined by "\n\n",
// `system` may only come first, and what follows the last assistant message is left out.
//
// Blank lines are passed over, a byte order mark and "\r\n" tolerated; a line may have
// 16 MiB. Malformed rows are collected, at most 20, and returned as FieldErrors with field
// "FILE:LINE" or "FILE:LINE:COLUMN" (`name` stands for FILE); the message says how many
// there are. Reading goes on after one, and on_row still sees the good ones. An empty file
// is an error.
absl::StatusOr<DatasetSummary> ReadDataset(
    const std::string& path, const std::string& name,
    const std::function<absl::Status(int64_t line, const Row& row)>& on_row);

}  // namespace tune
