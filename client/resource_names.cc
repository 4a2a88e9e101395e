#include "client/resource_names.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "run/checkpoint_id.h"

namespace tune::client {
namespace {

std::string Qualified(absl::string_view collection, absl::string_view text) {
  const absl::string_view singular = collection.substr(0, collection.size() - 1);
  absl::string_view id = text;
  if (absl::ConsumePrefix(&id, absl::StrCat(singular, "/")))
    return absl::StrCat(collection, "/", id);
  return absl::StrContains(text, '/') ? std::string(text) : absl::StrCat(collection, "/", text);
}

}  // namespace

std::string JobName(absl::string_view text) { return Qualified("jobs", text); }
std::string DatasetName(absl::string_view text) { return Qualified("datasets", text); }
std::string ModelName(absl::string_view text) { return Qualified("models", text); }
std::string WorkerName(absl::string_view text) { return Qualified("workers", text); }

std::string ShortName(absl::string_view name) {
  const size_t slash = name.rfind('/');
  return std::string(slash == name.npos ? name : name.substr(slash + 1));
}

std::string ShortNames(const std::vector<std::string>& names, absl::string_view between) {
  return absl::StrJoin(names, between, [](std::string* out, const std::string& name) {
    absl::StrAppend(out, ShortName(name));
  });
}

absl::StatusOr<std::string> CheckpointName(absl::string_view text) {
  if (absl::StrContains(text, "/checkpoints/")) return std::string(text);
  const std::vector<std::string> parts = absl::StrSplit(text, absl::MaxSplits('@', 1));
  std::string checkpoint = parts.size() == 1 ? "latest" : parts[1];
  if (parts[0].empty() || checkpoint.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", text, "\" is no checkpoint; write JOB, JOB@latest or JOB@STEP"));
  }
  int64_t step = 0;
  const bool is_step = std::all_of(checkpoint.begin(), checkpoint.end(), ::isdigit);
  if (is_step && absl::SimpleAtoi(checkpoint, &step)) {
    checkpoint = StepCheckpointId(step);
  }
  return absl::StrCat(JobName(parts[0]), "/checkpoints/", checkpoint);
}

std::string ShortCheckpointName(absl::string_view name) {
  const std::vector<std::string> parts = absl::StrSplit(name, '/');
  return parts.size() == 4 ? absl::StrCat(parts[1], "@", parts[3]) : std::string(name);
}

}  // namespace tune::client
