#include "run/names.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/field_errors.h"
#include "base/ids.h"
#include "base/utf8.h"

namespace tune {
namespace {

absl::Status BadName(absl::string_view name, absl::string_view form) {
  FieldErrors errors;
  errors.Add("name", absl::StrCat("must have the form ", form, ", got \"", name, "\""));
  return errors.ToStatus("resource name");
}

}  // namespace

absl::Status CheckId(absl::string_view id, const std::string& field) {
  // A dash at the beginning would make it a flag of every command.
  if (IsId(id) && id[0] != '-') return absl::OkStatus();
  FieldErrors errors;
  errors.Add(field,
             absl::StrCat("must be 1 to 64 of a-z 0-9 . _ - and begin with none of . -, got \"",
                          ReplaceInvalidUtf8(CutUtf8(id, 80)), "\""));
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
  if (parts.size() != 2 || parts[0] != collection || !IsId(parts[1])) {
    return BadName(name, absl::StrCat(collection, "/NAME"));
  }
  return std::string(parts[1]);
}

absl::StatusOr<CheckpointRef> ParseCheckpointName(absl::string_view name) {
  const std::vector<absl::string_view> parts = absl::StrSplit(name, '/');
  if (parts.size() != 4 || parts[0] != "jobs" || parts[2] != "checkpoints" || !IsId(parts[1]) ||
      !IsId(parts[3])) {
    return BadName(name, "jobs/JOB/checkpoints/NAME");
  }
  return CheckpointRef{std::string(parts[1]), std::string(parts[3])};
}

}  // namespace tune
