// The JSON files of a model's folder, which may come from anywhere.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "base/json.h"

namespace tune {

// What is read of one. Parsed, a tokenizer.json takes some fifteen times its size.
constexpr int64_t kMaxModelJsonBytes = int64_t{64} << 20;

// The file's value; errors begin with the path. A larger file, and what is no regular
// file, is INVALID_ARGUMENT.
absl::StatusOr<Json> ReadModelJson(const std::string& path);
absl::StatusOr<SortedJson> ReadSortedModelJson(const std::string& path);

}  // namespace tune
