// Rows of an instruction dataset in the formats people have, each a JSON object.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/field_errors.h"
#include "recipe/data/row.h"

namespace tune {

struct DatasetSummary {
  std::string format;  // prompt_response, instruction, messages, ...: the names below
  int64_t rows = 0;    // good ones
  int64_t bad_rows = 0;
  std::vector<FieldError> bad_row_errors;  // of the first 20
};

// For on_row to return: the reading ends there, without an error, and the summary is of
// what was read.
absl::Status EnoughRows();

// Reads a dataset file row by row and calls `on_row(number, row)`, the number being that of
// the line, the element or the record (RowPlace); its error ends the reading and is returned.
// The file is JSON Lines or a JSON array, plain, gzip or zstd, or Parquet, told by its content
// (row_reader.h, decompression.h). Formats, told by the first row's keys or a table's columns:
//   {"messages":[{"role","content"}]}                messages
//   {"conversations":[{"from","value"}]}             conversations  (ShareGPT)
//   {"prompt","response"} (also "completion")        prompt_response
//   {"instruction","output"[,"input"]}               instruction  (Alpaca; Dolly's
//                                                    "response" and "context" too)
//   {"question","answer"}                            question_answer  (GSM8K)
//   {"text"}                                         text
// Other keys are passed over, and null is as an absent key. A later row that lacks the
// format's keys is malformed, as is an empty response. In messages, several user messages in
// a row are joined by "\n\n", `system` may only come first, and what follows the last
// assistant message is left out. Conversations are messages whose speakers may be called
// human, gpt and chatgpt.
//
// A row may have 16 MiB. Malformed rows are counted, the first 20 kept as FieldErrors with
// field "FILE:LINE", "FILE:LINE:COLUMN", in an array "FILE:LINE:COLUMN (row N)" or, in
// Parquet, "FILE (row N)" (`name` stands for FILE). Reading goes on after one, and on_row
// still sees the good ones. More than `max_bad_rows` of them are an error, which lists them
// and says how many there are; a file without a good row is one too.
absl::StatusOr<DatasetSummary> ReadDataset(
    const std::string& path, const std::string& name,
    const std::function<absl::Status(int64_t number, const Row& row)>& on_row,
    int64_t max_bad_rows = 0);

}  // namespace tune
