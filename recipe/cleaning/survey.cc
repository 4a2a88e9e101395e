#include "recipe/cleaning/survey.h"

#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "base/status.h"
#include "recipe/cleaning/row_texts.h"
#include "recipe/cleaning/scripts.h"

namespace tune {

absl::StatusOr<DatasetSurvey> SurveyDataset(const std::string& path, const std::string& name,
                                            const DatasetOptions& options) {
  DatasetSurvey survey;
  absl::flat_hash_set<std::pair<uint64_t, uint64_t>> contents;
  const auto look = [&](const RowText&, const std::vector<Row>& rows) {
    if (!contents.insert(ContentHash(rows)).second) ++survey.duplicates;
    ++survey.scripts[MainScript(CountScripts(TextsOf(rows).All()))];
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(ReadRecords(path, name, look, options).status());
  return survey;
}

}  // namespace tune
