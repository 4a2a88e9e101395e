// What a worker tells of the attempt it holds. Every call carries the lease's key; one
// that is not the job's current lease gets StaleEpoch (core/errors.h). A lease that ran out while
// its worker was away goes on with any of them, where nobody has had the job since.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "server/core/job.h"
#include "server/core/lease.h"
#include "server/core/registry.h"
#include "server/core/training_report.h"
#include "server/engine/commits.h"
#include "server/engine/job_logs.h"
#include "server/engine/liveness.h"
#include "server/engine/watch.h"
#include "server/store/store.h"

namespace tune::server {

struct CheckpointDraft {
  int64_t step = 0;
  double epoch = 0;
  double loss = 0;
  bool final = false;
  std::vector<FileEntry> files;
};

enum class Outcome { kSucceeded, kFailedRetryable, kFailedFinal };

struct AttemptEnd {
  Outcome outcome = Outcome::kFailedFinal;
  std::string reason = {};   // CamelCase, of a failure
  std::string message = {};  // for people
};

// Thread-safe.
class Reports {
 public:
  Reports(Store& store, Commits& commits, JobLogs& logs, Clock& clock, Liveness& liveness,
          EventHub& hub);

  // Events first_seq, first_seq + 1, … of this attempt, from 1. Those already held are
  // passed over; a gap applies nothing. Returns the highest seq held: the worker sends on
  // from there. The first event makes the job RUNNING.
  absl::StatusOr<int64_t> ReportEvents(const LeaseKey& key, int64_t first_seq,
                                       const std::vector<TrainingReport>& events);

  // See JobLogs::Append. Returns the bytes held. The lease of the job's last attempt may have
  // ended: the end of the log of a run that was stopped comes after it.
  absl::StatusOr<int64_t> AppendLogs(const LeaseKey& key, int64_t offset, absl::string_view data);

  // Makes the checkpoint exist, in one transaction, once every blob is there. A repeat with
  // the same files returns the first answer. Resumable checkpoints beyond the spec's
  // keep_checkpoints are dropped, then the blobs nobody refers to any more.
  absl::StatusOr<Checkpoint> CommitCheckpoint(const LeaseKey& key, const CheckpointDraft& draft);

  // Ends the attempt: SUCCEEDED needs a committed final checkpoint
  // (FAILED_PRECONDITION); a retryable failure goes back to QUEUED while retries and time
  // are left. A repeat after a lost reply gets StaleEpoch: the attempt is over.
  absl::Status FinishAttempt(const LeaseKey& key, const AttemptEnd& end);

 private:
  absl::Duration TrainedTime(const Attempt& attempt, const LeaseKey& key, Effects& effects);

  Store& store_;
  Commits& commits_;
  JobLogs& logs_;
  Clock& clock_;
  Liveness& liveness_;
  EventHub& hub_;
};

}  // namespace tune::server
