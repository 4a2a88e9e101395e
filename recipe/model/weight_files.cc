#include "recipe/model/weight_files.h"

#include <set>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/status.h"
#include "recipe/tokenizer/model_json.h"

namespace tune {
namespace {

bool IsPlainName(absl::string_view name) {
  return !name.empty() && name != "." && name != ".." &&
         name.find_first_of(absl::string_view("/\0", 2)) == absl::string_view::npos;
}

}  // namespace

absl::StatusOr<WeightMap> ReadWeightIndex(const std::string& path) {
  ASSIGN_OR_RETURN(const SortedJson json, ReadSortedModelJson(path));
  if (!json.is_object() || !json.contains("weight_map") || !json["weight_map"].is_object()) {
    return absl::InvalidArgumentError("has no object \"weight_map\"");
  }
  WeightMap map;
  for (const auto& [tensor, file] : json["weight_map"].items()) {
    if (!file.is_string() || !IsPlainName(file.get_ref<const std::string&>())) {
      return absl::InvalidArgumentError(absl::StrCat(
          "weight_map: \"", tensor, "\" must name a file in this folder, got ", file.dump()));
    }
    map[tensor] = file.get<std::string>();
  }
  if (map.empty()) return absl::InvalidArgumentError("weight_map is empty");
  return map;
}

std::vector<std::string> WeightFilesOf(const WeightMap& map) {
  if (map.empty()) return {kWeightsFile};
  std::set<std::string> shards;
  for (const auto& [tensor, file] : map) shards.insert(file);
  return {shards.begin(), shards.end()};
}

std::string NoWeights(const std::string& path) {
  const bool pickled = Exists(JoinPath(path, "pytorch_model.bin")) ||
                       Exists(JoinPath(path, "pytorch_model.bin.index.json"));
  return absl::StrCat("is missing, and so is ", kWeightIndexFile,
                      pickled ? "; the weights are pickled (pytorch_model.bin): save them as "
                                "safetensors first"
                              : "");
}

}  // namespace tune
