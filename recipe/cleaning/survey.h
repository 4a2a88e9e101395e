// What a dataset's texts are, before anything is looked for in them.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "recipe/data/dataset.h"

namespace tune {

struct DatasetSurvey {
  int64_t duplicates = 0;       // rows that say just what an earlier one says (row_texts.h)
  int64_t near_duplicates = 0;  // others as like to an earlier one as kUsualSimilarity
  // Rows by the script of most of their letters; "" for those without letters.
  std::map<std::string, int64_t> scripts;
};

// Reads the whole file; memory takes up to 80 bytes a row, and what near_duplicates.h says.
// Malformed rows are those of ReadDataset.
absl::StatusOr<DatasetSurvey> SurveyDataset(const std::string& path, const std::string& name,
                                            const DatasetOptions& options);

}  // namespace tune
