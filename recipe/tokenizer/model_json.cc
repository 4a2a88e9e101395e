#include "recipe/tokenizer/model_json.h"

#include "base/files.h"
#include "base/status.h"

namespace tune {

absl::StatusOr<Json> ReadModelJson(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadRegularFile(path, kMaxModelJsonBytes));
  auto json = ParseJson(text);
  if (!json.ok()) return Annotate(json.status(), path);
  return json;
}

absl::StatusOr<SortedJson> ReadSortedModelJson(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadRegularFile(path, kMaxModelJsonBytes));
  auto json = ParseSortedJson(text);
  if (!json.ok()) return Annotate(json.status(), path);
  return json;
}

}  // namespace tune
