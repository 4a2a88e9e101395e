#include "run/checkpoints.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "run/checkpoint_id.h"
#include "run/folder.h"
#include "run/manifest.h"

namespace tune {
namespace {

std::string FolderOf(const std::string& run_dir, absl::string_view id) {
  return JoinPath(run_dir, CheckpointPath(id));
}

std::vector<std::string> Names(const std::string& run_dir) {
  return ListDirectory(JoinPath(run_dir, kCheckpointsFolder)).value_or(std::vector<std::string>());
}

bool IsComplete(const std::string& run_dir, const std::string& id) {
  return Exists(JoinPath(FolderOf(run_dir, id), kManifestFile));
}

bool IsLeftover(const std::string& run_dir, const std::string& name) {
  return absl::EndsWith(name, kTemporarySuffix) ||
         (StepOfCheckpointId(name).has_value() && !IsComplete(run_dir, name));
}

}  // namespace

std::vector<std::string> StepCheckpoints(const std::string& run_dir) {
  std::vector<std::string> ids;
  for (const std::string& name : Names(run_dir)) {
    if (StepOfCheckpointId(name).has_value() && IsComplete(run_dir, name)) ids.push_back(name);
  }
  std::ranges::sort(ids, {}, [](const std::string& id) { return *StepOfCheckpointId(id); });
  return ids;
}

bool HoldsCheckpoint(const std::string& run_dir) {
  return !StepCheckpoints(run_dir).empty() || IsComplete(run_dir, std::string(kFinalCheckpointId));
}

absl::Status RemoveCheckpoint(const std::string& path) {
  // Not the name under which the trainer writes a checkpoint of this step.
  const std::string removed = absl::StrCat(path, ".removed", kTemporarySuffix);
  absl::Status status = RemoveAll(removed);
  if (!status.ok()) return status;
  status = RenameDurably(path, removed);
  if (absl::IsNotFound(status)) return absl::OkStatus();
  return status.ok() ? RemoveAll(removed) : status;
}

absl::Status RemoveOldCheckpoints(const std::string& run_dir, int64_t keep) {
  const std::vector<std::string> ids = StepCheckpoints(run_dir);
  absl::Status status;
  for (int64_t i = 0; i + keep < static_cast<int64_t>(ids.size()); ++i) {
    status.Update(RemoveCheckpoint(FolderOf(run_dir, ids[i])));
  }
  return status;
}

absl::Status SweepCheckpoints(const std::string& run_dir) {
  absl::Status status;
  for (const std::string& name : Names(run_dir)) {
    if (!IsLeftover(run_dir, name)) continue;
    const std::string path = FolderOf(run_dir, name);
    const bool temporary = absl::EndsWith(name, kTemporarySuffix);
    status.Update(temporary ? RemoveAll(path) : RemoveCheckpoint(path));
  }
  return status;
}

}  // namespace tune
