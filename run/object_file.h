// A small JSON file that holds one object, read by a table of its fields.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/json_fields.h"
#include "base/sha256.h"
#include "base/status.h"

namespace tune {

// Errors begin with the file's path and name the field. `check`, where given, sees what was
// read without an error.
template <class T>
absl::StatusOr<T> ReadObjectFile(const std::string& path, const std::vector<Field<T>>& fields,
                                 void (*check)(const T&, FieldErrors*)) {
  ASSIGN_OR_RETURN(const Json json, ReadJsonFile(path));
  FieldErrors errors;
  T value;
  if (CheckObject(json, {"file", &errors})) ReadFields(fields, json, {"", &errors}, &value);
  if (errors.empty() && check != nullptr) check(value, &errors);
  if (!errors.empty()) return errors.ToStatus(path);
  return value;
}

// Writes the object by the same table, durably, indented for people.
template <class T>
absl::Status WriteObjectFile(const std::string& path, const std::vector<Field<T>>& fields,
                             const T& value) {
  return WriteFileDurably(path, DumpJson(WriteFields(fields, value), 2) + "\n");
}

// Reads a SHA-256 in 64 lower-case hex digits; also "" where `optional`.
inline void ReadDigest(const Json& json, bool optional, const FieldContext& at, std::string* out) {
  constexpr size_t kMaxDigestBytes = 4096;
  if (!ReadText(json, kMaxDigestBytes, at, out) || (optional && out->empty())) return;
  if (!IsSha256Hex(*out)) {
    at.Error(
        absl::StrCat("must be a SHA-256 in 64 lower-case hex digits, got ", DescribeJson(json)));
  }
}

}  // namespace tune
