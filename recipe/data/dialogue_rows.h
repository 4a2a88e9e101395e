// Dialogues as plain text, each closed by "<|endoftext|>", as LAION's OIG repository has them:
// "User: …\n\nChip2: …<|endoftext|>".
#pragma once

#include "recipe/data/byte_source.h"
#include "recipe/data/row_reader.h"

namespace tune {

class DialogueRows : public RowReader {
 public:
  explicit DialogueRows(BufferedBytes bytes) : bytes_(std::move(bytes)) {}

  // A dialogue as the JSON of a row of text, {"text": …}; what is no UTF-8 is its problem.
  absl::StatusOr<bool> Next(RowText* row) override;

 private:
  // The text up to the next "<|endoftext|>" or the file's end; false where the file has ended.
  absl::StatusOr<bool> NextText(RowText* row);

  BufferedBytes bytes_;
  int64_t number_ = 0;
  int64_t line_ = 1;
};

}  // namespace tune
