// The steps of an attempt's life inside a transaction, shared by the parts that end one: the
// job's row, the attempt's row and the history always change together, and the effects say
// what follows.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "run/reason.h"
#include "server/core/job.h"
#include "server/core/lease.h"
#include "server/engine/commits.h"
#include "server/store/store.h"

namespace tune::server {

// The job that this lease holds; StaleEpoch where it holds none any more.
absl::StatusOr<Job> GetHeldJob(Reader& reader, const LeaseKey& key);

// OK where HoldJob would find the lease's job; else StaleEpoch.
absl::Status CheckHolds(Reader& reader, const LeaseKey& key);

// The job that this lease holds, or holds again: one whose worker was away for longer than the
// lease, and that nobody has had since, goes on where it was. StaleEpoch where the job went
// elsewhere or is over, or the worker has given its GPUs to another.
absl::StatusOr<Job> HoldJob(Transaction& transaction, const LeaseKey& key, absl::Time now,
                            Effects& effects);

// Writes the job, and an event that tells its new state, reason and message, and who ordered it.
absl::Status WriteState(Transaction& transaction, const Job& before, const Job& after,
                        absl::Time now, const std::string& user = "");

// That a job's worker shall let go of it.
struct YieldOrder {
  absl::string_view yield_reason;  // as Job::yield_reason; "" takes an earlier order back
  absl::string_view reason;        // what the job shows until then
  std::string message;             // for people; the attempt's end tells it too
  std::string user = {};           // who ordered it; "" for nobody
};

// Gives the order for a job that is held. Returns the job as it is now.
absl::StatusOr<Job> AskToYield(Transaction& transaction, const Job& job, const YieldOrder& order,
                               absl::Time now, Effects& effects);

// The job has been trained for so much longer: its row is to count that, and its owner has used it.
absl::Status ChargeRunTime(Transaction& transaction, absl::Duration run_time, absl::Time now,
                           Job& job);

// LEASED to RUNNING; nothing where it runs already. Returns the job as it is now.
absl::StatusOr<Job> MarkRunning(Transaction& transaction, const Job& job, absl::Time now);

struct AttemptResult {
  std::string result;       // "Succeeded", or a name of run/reason.h
  std::string message;      // for people
  absl::Duration run_time;  // that the job's row does not count yet
  std::string user = {};    // who ordered it; "" for nobody
};

// EndJob without regard to those that wait for it.
absl::StatusOr<Job> EndAlone(Transaction& transaction, const Job& job, JobState state,
                             const AttemptResult& end, absl::Time now, Effects& effects);

// Ends the job's current attempt and moves the job to `state`, which is over; raises the
// epoch. Jobs that wait for it may begin then, or end too (core/after.h). Returns the job as it is
// now.
absl::StatusOr<Job> EndJob(Transaction& transaction, const Job& job, JobState state,
                           const AttemptResult& end, absl::Time now, Effects& effects);

// Ends the job's current attempt; the job goes back to QUEUED where it has enough left for an
// end of this cost (core/retry.h), else to FAILED; one that is to pause becomes PAUSED instead of
// QUEUED. Raises the epoch, but not for a lost worker that may come back to it: see HoldJob.
// Returns the job as it is now.
absl::StatusOr<Job> FailAttempt(Transaction& transaction, const Job& job, const AttemptResult& end,
                                Cost cost, absl::Time now, Effects& effects);

}  // namespace tune::server
