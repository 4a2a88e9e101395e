// Which files of a model folder hold its weights: model.safetensors, else the shards that
// model.safetensors.index.json names.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace tune {

inline constexpr char kWeightsFile[] = "model.safetensors";
inline constexpr char kWeightIndexFile[] = "model.safetensors.index.json";

// Which weight file should hold which tensor; empty for one file, which holds them all.
using WeightMap = std::map<std::string, std::string>;

// Reads an index. INVALID_ARGUMENT where it names no files of its folder.
absl::StatusOr<WeightMap> ReadWeightIndex(const std::string& path);

// The files that a map names, each once, sorted; for the empty map kWeightsFile.
std::vector<std::string> WeightFilesOf(const WeightMap& map);

// Why the folder `path`, which has neither file, has no weights.
std::string NoWeights(const std::string& path);

}  // namespace tune
