// What a person says of a worker ("zone" is "cellar"), and what a job asks to be said of its
// worker.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/field_errors.h"
#include "base/json.h"

namespace tune {

// From key to value. A key is 1 to 63 of A-Z, a-z, 0-9, '.', '_', '/' and '-', a value 0 to 63 of
// them; at most 64 keys.
using Labels = std::map<std::string, std::string>;

// What is wrong with `labels` is added to `errors`, the field being `path`.KEY.
void CheckLabels(const Labels& labels, const std::string& path, FieldErrors* errors);

// Each "KEY=VALUE"; INVALID_ARGUMENT names what is none, and a key that is given twice.
absl::StatusOr<Labels> ParseLabels(const std::vector<std::string>& texts);
// "KEY=VALUE, KEY=VALUE"
std::string LabelsText(const Labels& labels);

// An object of texts. LabelsFromJson adds to `errors` what is no such object or no such labels.
Json LabelsToJson(const Labels& labels);
Labels LabelsFromJson(const Json& json, const std::string& path, FieldErrors* errors);

// Those of `wanted` that `given` lacks, or has with another value.
Labels LabelsLacking(const Labels& wanted, const Labels& given);

}  // namespace tune
