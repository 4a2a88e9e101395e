#include "recipe/cleaning/evaluation_set.h"

#include <algorithm>
#include <functional>

#include "absl/strings/str_cat.h"
#include "base/json.h"
#include "base/status.h"
#include "recipe/cleaning/words.h"
#include "recipe/data/open_rows.h"
#include "recipe/data/row_json.h"

namespace tune {
namespace {

// Parsed JSON is at most 1000 levels deep.
void ForEachText(const Json& json, const std::function<void(const std::string&)>& on_text) {
  if (json.is_string()) on_text(json.get_ref<const std::string&>());
  if (!json.is_structured()) return;
  for (const Json& value : json) ForEachText(value, on_text);
}

}  // namespace

void EvaluationSet::Add(absl::string_view text) {
  const std::vector<uint64_t> words = WordHashes(text);
  if (words.size() < kMinOverlapWords) return;
  ++texts_;
  const size_t size = std::min(words.size(), kOverlapWords);
  const auto row = static_cast<uint32_t>(rows_.size() - 1);
  for (const uint64_t run : NgramHashes(words, size)) runs_[size].try_emplace(run, row);
}

absl::Status EvaluationSet::AddFile(const std::string& path) {
  ASSIGN_OR_RETURN(const auto reader, OpenRows(path, path, {}));
  for (RowText row;;) {
    ASSIGN_OR_RETURN(const bool some, reader->Next(&row));
    if (!some) return absl::OkStatus();
    const auto json = ParseRow(row.text);
    if (!json.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat(NameRow(path, row.at), ": ", json.status().message()));
    }
    rows_.push_back(NameRow(path, row.at));
    ForEachText(*json, [&](const std::string& text) { Add(text); });
  }
}

std::string EvaluationSet::Find(const std::vector<uint64_t>& words) const {
  for (const auto& [size, runs] : runs_) {
    if (words.size() < size) continue;
    for (const uint64_t run : NgramHashes(words, size)) {
      const auto found = runs.find(run);
      if (found != runs.end()) return rows_[found->second];
    }
  }
  return "";
}

}  // namespace tune
