#include "server/engine/removal.h"

#include <cstdint>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/status.h"

namespace tune::server {
namespace {

constexpr int64_t kAllCheckpoints = 1000000;

absl::StatusOr<Job> GetJobThatIsOver(Reader& reader, const std::string& job_id) {
  ASSIGN_OR_RETURN(Job job, reader.GetJob(job_id));
  if (IsTerminal(job.state)) return job;
  return absl::FailedPreconditionError(absl::StrCat("jobs/", job_id, " is not over, it is ",
                                                    JobStateName(job.state), "; tunectl cancel ",
                                                    job_id, " ends it"));
}

void Drop(const Checkpoint& checkpoint, Effects& effects) {
  effects.dropped.insert(effects.dropped.end(), checkpoint.files.begin(), checkpoint.files.end());
}

// The newest resumable checkpoint but for the one that goes; "" for none.
std::string NewestBut(const std::vector<CheckpointRow>& rows, const CheckpointRef& gone) {
  for (const CheckpointRow& row : rows) {
    if (row.checkpoint.final || row.checkpoint.id == gone.checkpoint_id) continue;
    return CheckpointName(gone.job_id, row.checkpoint.id);
  }
  return "";
}

}  // namespace

absl::Status Removal::DeleteJob(const std::string& job_id) {
  RETURN_IF_ERROR(
      store_.Read([&](Reader& reader) { return GetJobThatIsOver(reader, job_id).status(); }));
  // Before the job: another of its name must not find them, whatever happens in between.
  RETURN_IF_ERROR(logs_.Remove(job_id));
  RETURN_IF_ERROR(commits_.Run([&](Transaction& transaction, Effects& effects) -> absl::Status {
    ASSIGN_OR_RETURN(const Job job, GetJobThatIsOver(transaction, job_id));
    ASSIGN_OR_RETURN(const auto rows, transaction.ListCheckpoints({job_id, 0, kAllCheckpoints}));
    for (const CheckpointRow& row : rows) Drop(row.checkpoint, effects);
    effects.changed_jobs.insert(job_id);
    return transaction.DeleteJob(job);
  }));
  spdlog::info("job deleted job={}", job_id);
  return absl::OkStatus();
}

absl::Status Removal::DeleteCheckpoint(const CheckpointRef& ref) {
  return commits_.Run([&](Transaction& transaction, Effects& effects) -> absl::Status {
    ASSIGN_OR_RETURN(const Job job, GetJobThatIsOver(transaction, ref.job_id));
    ASSIGN_OR_RETURN(const Checkpoint gone,
                     transaction.GetCheckpoint(ref.job_id, ref.checkpoint_id));
    const std::string name = CheckpointName(ref.job_id, ref.checkpoint_id);
    if (gone.final) {
      return absl::FailedPreconditionError(absl::StrCat(
          name, " is the job's result, and goes with the job: tunectl delete ", ref.job_id));
    }
    Job after = job;
    if (job.latest_checkpoint == name) {
      ASSIGN_OR_RETURN(const auto rows,
                       transaction.ListCheckpoints({ref.job_id, 0, kAllCheckpoints}));
      after.latest_checkpoint = NewestBut(rows, ref);
    }
    Drop(gone, effects);
    RETURN_IF_ERROR(transaction.UpdateJob(job, after));
    return transaction.DeleteCheckpoint(ref.job_id, ref.checkpoint_id);
  });
}

}  // namespace tune::server
