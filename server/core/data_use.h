// What a job learns from one of its datasets, as it was found when the job was submitted.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/json.h"

namespace tune::server {

// Counts are of rows, or of tokens after truncation, once through the dataset.
struct DataUse {
  std::string dataset;  // "datasets/NAME"
  int64_t rows = 0;
  int64_t used = 0;
  int64_t truncated = 0;
  int64_t dropped = 0;          // for their length
  int64_t without_targets = 0;  // left out, having nothing to learn
  int64_t tokens = 0;
  int64_t target_tokens = 0;
};

// A job's list as the store keeps it; DATA_LOSS where the text is none.
Json DataUseToJson(const std::vector<DataUse>& data);
absl::StatusOr<std::vector<DataUse>> DataUseFromJson(const Json& json);

}  // namespace tune::server
