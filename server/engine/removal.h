// Taking away jobs that are over, and checkpoints that nobody needs any more.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "run/names.h"
#include "server/engine/commits.h"
#include "server/engine/job_logs.h"
#include "server/store/store.h"

namespace tune::server {

// Thread-safe.
class Removal {
 public:
  Removal(Store& store, Commits& commits, JobLogs& logs)
      : store_(store), commits_(commits), logs_(logs) {}

  // The job with its history, its logs and all its checkpoints. FAILED_PRECONDITION for a job that
  // is not over; NOT_FOUND. Blobs that nothing else names go as blob_collector.h has it.
  absl::Status DeleteJob(const std::string& job_id);

  // A resumable checkpoint of a job that is over. FAILED_PRECONDITION for one of a job that may
  // still go on from it, and for a job's result, which goes with the job; NOT_FOUND.
  absl::Status DeleteCheckpoint(const CheckpointRef& ref);

 private:
  Store& store_;
  Commits& commits_;
  JobLogs& logs_;
};

}  // namespace tune::server
