// The shapes a dataset's rows come in, and reading one row of each.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "base/field_errors.h"
#include "base/json.h"
#include "recipe/data/row.h"

namespace tune {

struct RowFormat {
  absl::string_view name;
  // For each key that a row must have, the spellings it may come in ("response" or
  // "completion"). Other keys ("id", "source") are passed over; null is as no key at all.
  std::vector<std::vector<const char*>> keys;
  // Of one that a row may have.
  std::vector<const char*> optional_key;
  // Fills `row` from an object that has the keys; what is wrong goes to `errors`, each
  // field the path inside the row ("messages[2].role").
  void (*read)(const Json& json, Row* row, FieldErrors* errors);
};

// Every key that some format reads, sorted.
std::vector<std::string> RowFormatKeys();
// The format whose keys the object `json` has, or null.
const RowFormat* FindRowFormat(const Json& json);
// Whether the object `json` has all keys of `format`.
bool HasKeysOf(const RowFormat& format, const Json& json);
// `"prompt" and "response" (or "completion")`.
std::string DescribeKeys(const RowFormat& format);
// All formats' keys, for the error where none fits.
std::string DescribeRowFormats();

}  // namespace tune
