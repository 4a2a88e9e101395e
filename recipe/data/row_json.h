// A row's text as JSON, with what programs write beside the standard.
#pragma once

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/json.h"

namespace tune {

// As ParseJson, but that NaN, Infinity and -Infinity are null: Python's json writes them for what
// is missing. INVALID_ARGUMENT with "line 1, column 17: …" where it is no JSON.
absl::StatusOr<Json> ParseRow(absl::string_view text);

}  // namespace tune
