// Which columns of a table are read, be it Parquet, Arrow or text.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace tune {

struct TableColumns {
  std::vector<int> read;              // their indices, in the table's order
  std::vector<std::string> left_out;  // the names of the others
};

// Those of `names` that are `wanted`. INVALID_ARGUMENT, beginning with `file`, where none is: it
// lists what columns there are, and what could be done. A column without a name is left out as
// "column N".
absl::StatusOr<TableColumns> ChooseColumns(const std::string& file,
                                           const std::vector<std::string>& names,
                                           const std::vector<std::string>& wanted);

}  // namespace tune
