// JSON with errors that say where.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tune {

// Keeps the order of keys, so that what is written reads as it was meant.
using Json = nlohmann::ordered_json;

// Keys sorted and found in logarithmic time, where Json looks through all of an object's:
// for machine-made objects of thousands of keys.
using SortedJson = nlohmann::json;

// Strict RFC 8259: one value, no trailing text, valid UTF-8, no duplicate keys, at most
// 1000 levels deep, no number beyond a double. Linear in the text but for the search for
// duplicate keys, which is n log n. The error names line and column (bytes), both from 1:
// "line 1, column 17: …".
absl::StatusOr<Json> ParseJson(absl::string_view text);
absl::StatusOr<SortedJson> ParseSortedJson(absl::string_view text);

// The file's value; errors begin with the path.
absl::StatusOr<Json> ReadJsonFile(const std::string& path);

// Text of `json`; indent < 0 gives one line. Invalid UTF-8 is replaced by U+FFFD.
std::string DumpJson(const Json& json, int indent = -1);

}  // namespace tune
