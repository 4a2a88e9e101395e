#include "server/engine/resume.h"

#include <vector>

#include "base/log.h"
#include "base/status.h"
#include "run/names.h"

namespace tune::server {
namespace {

constexpr int64_t kAllCheckpoints = 1000000;

// The resumable ones from the job's latest on, newest first.
absl::StatusOr<std::vector<Checkpoint>> FromLatest(Reader& reader, const Job& job) {
  std::vector<Checkpoint> checkpoints;
  if (job.latest_checkpoint.empty()) return checkpoints;
  ASSIGN_OR_RETURN(auto rows,
                   reader.ListCheckpoints({job.id, /*before_order=*/0, kAllCheckpoints}));
  for (CheckpointRow& row : rows) {
    if (row.checkpoint.final) continue;
    const bool is_latest = CheckpointName(job.id, row.checkpoint.id) == job.latest_checkpoint;
    if (is_latest || !checkpoints.empty()) checkpoints.push_back(std::move(row.checkpoint));
  }
  return checkpoints;
}

}  // namespace

absl::StatusOr<std::optional<Checkpoint>> NewestWholeCheckpoint(Reader& reader, BlobStore& blobs,
                                                                const Job& job) {
  ASSIGN_OR_RETURN(std::vector<Checkpoint> checkpoints, FromLatest(reader, job));
  for (Checkpoint& checkpoint : checkpoints) {
    const absl::Status whole = blobs.CheckPresent(checkpoint.files, "files");
    if (whole.ok()) return std::move(checkpoint);
    spdlog::error("cannot resume from a damaged checkpoint, an older one serves checkpoint={} {}",
                  CheckpointName(job.id, checkpoint.id), whole.ToString());
  }
  return std::nullopt;
}

absl::StatusOr<std::string> CheckpointBefore(Reader& reader, const Job& job) {
  ASSIGN_OR_RETURN(const std::vector<Checkpoint> checkpoints, FromLatest(reader, job));
  return checkpoints.size() < 2 ? "" : CheckpointName(job.id, checkpoints[1].id);
}

}  // namespace tune::server
