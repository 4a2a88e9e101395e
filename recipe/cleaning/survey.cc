#include "recipe/cleaning/survey.h"

#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "base/status.h"
#include "recipe/cleaning/near_duplicates.h"
#include "recipe/cleaning/row_texts.h"
#include "recipe/cleaning/scripts.h"
#include "recipe/cleaning/words.h"

namespace tune {

absl::StatusOr<DatasetSurvey> SurveyDataset(const std::string& path, const std::string& name,
                                            const DatasetOptions& options) {
  DatasetSurvey survey;
  absl::flat_hash_set<std::pair<uint64_t, uint64_t>> contents;
  ASSIGN_OR_RETURN(NearDuplicates near, NearDuplicates::Make(kUsualSimilarity));
  const auto look = [&](const std::vector<int64_t>&, const std::vector<Row>& rows) {
    const std::vector<absl::string_view> texts = TextsOf(rows).All();
    ++survey.scripts[MainScript(CountScripts(texts))];
    if (contents.insert(ContentHash(rows)).second) return near.Add(WordHashes(texts));
    ++survey.duplicates;
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(ReadRecords(path, name, look, options).status());
  ASSIGN_OR_RETURN(const auto found, near.Find());
  survey.near_duplicates = static_cast<int64_t>(found.size());
  return survey;
}

}  // namespace tune
