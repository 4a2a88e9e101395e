#include "server/core/names.h"

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/field_errors.h"

namespace tune::server {
namespace {

bool IsIdCharacter(char c) {
  return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '.' || c == '_' || c == '-';
}

absl::Status BadName(absl::string_view name, absl::string_view form) {
  FieldErrors errors;
  errors.Add("name", absl::StrCat("must have the form ", form, ", got \"", name, "\""));
  return errors.ToStatus("resource name");
}

}  // namespace

bool IsValidId(absl::string_view id) {
  return !id.empty() && id.size() <= 64 && id[0] != '.' &&
         std::all_of(id.begin(), id.end(), IsIdCharacter);
}

absl::Status CheckId(absl::string_view id, const std::string& field) {
  if (IsValidId(id)) return absl::OkStatus();
  FieldErrors errors;
  errors.Add(field, absl::StrCat("must be 1 to 64 of a-z 0-9 . _ - and begin with no dot, got \"",
                                 id.substr(0, 80), "\""));
  return errors.ToStatus("id");
}

std::string ResourceName(absl::string_view collection, absl::string_view id) {
  return absl::StrCat(collection, "/", id);
}

std::string CheckpointName(absl::string_view job_id, absl::string_view checkpoint_id) {
  return absl::StrCat("jobs/", job_id, "/checkpoints/", checkpoint_id);
}

absl::StatusOr<std::string> ParseName(absl::string_view collection, absl::string_view name) {
  const std::vector<absl::string_view> parts = absl::StrSplit(name, '/');
  if (parts.size() != 2 || parts[0] != collection || !IsValidId(parts[1])) {
    return BadName(name, absl::StrCat(collection, "/NAME"));
  }
  return std::string(parts[1]);
}

absl::StatusOr<CheckpointRef> ParseCheckpointName(absl::string_view name) {
  const std::vector<absl::string_view> parts = absl::StrSplit(name, '/');
  if (parts.size() != 4 || parts[0] != "jobs" || parts[2] != "checkpoints" ||
      !IsValidId(parts[1]) || !IsValidId(parts[3])) {
    return BadName(name, "jobs/JOB/checkpoints/NAME");
  }
  return CheckpointRef{std::string(parts[1]), std::string(parts[3])};
}

}  // namespace tune::server
