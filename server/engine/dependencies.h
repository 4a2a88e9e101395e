// Jobs that wait for other jobs (core/after.h).
#pragma once

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/core/job.h"
#include "server/engine/commits.h"
#include "server/store/store.h"

namespace tune::server {

// Fills `waits_for` of a job that is not stored, by its `after`: those that are not over yet.
// INVALID_ARGUMENT names a field "after[1]" where a job is not there, is named twice, or has ended
// otherwise than `after_outcome` asks for; at most 64 may be named.
absl::Status FindDependencies(Reader& reader, Job& job);

// Whether all that a stored job still waits for may yet end as it asks; FAILED_PRECONDITION names
// one that has not.
absl::Status CheckDependencies(Reader& reader, const Job& job);

// A job is over: of those that wait for it, those whom it suits may begin, where they wait for no
// other, and the others end as DependencyFailed, and so those that wait for them.
absl::Status SettleDependents(Transaction& transaction, const Job& over, absl::Time now,
                              Effects& effects);

}  // namespace tune::server
