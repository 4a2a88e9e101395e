#include "recipe/data/table_columns.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "recipe/data/forms.h"

namespace tune {

absl::StatusOr<TableColumns> ChooseColumns(const std::string& file,
                                           const std::vector<std::string>& names,
                                           const std::vector<std::string>& wanted) {
  TableColumns columns;
  for (size_t i = 0; i < names.size(); ++i) {
    if (std::find(wanted.begin(), wanted.end(), names[i]) != wanted.end()) {
      columns.read.push_back(static_cast<int>(i));
    } else {
      columns.left_out.push_back(names[i].empty() ? absl::StrCat("column ", i + 1) : names[i]);
    }
  }
  if (!columns.read.empty()) return columns;
  return absl::InvalidArgumentError(absl::StrCat(file, ": has the columns \"",
                                                 absl::StrJoin(columns.left_out, "\", \""), "\"; ",
                                                 AdviseForm(columns.left_out)));
}

}  // namespace tune
