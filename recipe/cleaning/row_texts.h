// What a record of a dataset says, for looking at it as text.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "recipe/data/row.h"

namespace tune {

struct RowTexts {
  std::vector<absl::string_view> read;     // systems, prompts and their inputs, tools' results
  std::vector<absl::string_view> answers;  // what may be learned

  std::vector<absl::string_view> All() const;
};

// Views of the rows' own texts.
RowTexts TextsOf(const std::vector<Row>& rows);

// Unicode's characters in all of them.
int64_t CountCharacters(const std::vector<absl::string_view>& texts);

// The first 128 bits of a SHA-256 of all that a job would learn or read of the rows: equal for rows
// that differ only in keys nobody reads.
std::pair<uint64_t, uint64_t> ContentHash(const std::vector<Row>& rows);

}  // namespace tune
