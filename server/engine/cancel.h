// Ending a job on request.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "server/core/job.h"
#include "server/engine/commits.h"
#include "server/engine/liveness.h"

namespace tune::server {

class Cancel {
 public:
  Cancel(Commits& commits, Clock& clock, Liveness& liveness);

  // CANCELLED at once, its epoch raised: the worker learns by its next call. The first 1024
  // bytes of `reason` are kept as the job's message. FAILED_PRECONDITION for a job that is
  // over (a cancelled one is given back as it is), NOT_FOUND, INVALID_ARGUMENT for a reason
  // that is not UTF-8.
  absl::StatusOr<Job> CancelJob(const std::string& job_id, const std::string& reason);

 private:
  Commits& commits_;
  Clock& clock_;
  Liveness& liveness_;
};

}  // namespace tune::server
