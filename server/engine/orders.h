// What people order of a job: that it ends, stands still, goes on, or is tried again.
#pragma once

#include <functional>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "server/core/job.h"
#include "server/engine/blobs.h"
#include "server/engine/commits.h"
#include "server/engine/liveness.h"

namespace tune::server {

struct Order {
  std::string job_id;
  std::string reason = {};      // at most 1024 bytes, kept as the job's message
  std::string request_id = {};  // "" for none; at most 128 bytes
  std::string user = {};        // who orders it, kept with the event; "" where nobody is named
  bool validate_only = false;   // tells what would come of it, and does nothing
};

// Thread-safe. Each returns the job as it is then. One that is as ordered is returned as it is, and
// so is every job of a request_id that was heard before. NOT_FOUND, INVALID_ARGUMENT by field, and
// ALREADY_EXISTS for a request_id of another order.
class Orders {
 public:
  Orders(BlobStore& blobs, Commits& commits, Clock& clock, Liveness& liveness);

  // CANCELLED at once, its epoch raised: the worker learns by its next call. FAILED_PRECONDITION
  // for a job that is over otherwise.
  absl::StatusOr<Job> Cancel(const Order& order);

  // PAUSED at once where no worker holds it; else its worker is asked to write a checkpoint and to
  // let go of it, and it is PAUSED when that attempt has ended, however it did, unless the job is
  // over then. FAILED_PRECONDITION for one that is over.
  absl::StatusOr<Job> Pause(const Order& order);

  // A paused job is QUEUED at its old place, and goes on from its last checkpoint. For one that its
  // worker has not let go of yet the pause is taken back. FAILED_PRECONDITION for any other.
  absl::StatusOr<Job> Resume(const Order& order);

  // A job that has failed or was cancelled is QUEUED at its old place, with all its retries and its
  // time limit anew, and goes on from its last checkpoint. FAILED_PRECONDITION for one that is not
  // over or has succeeded; INVALID_ARGUMENT where its model or a dataset is gone.
  absl::StatusOr<Job> Retry(const Order& order);

 private:
  // The job as the order leaves it.
  using Execution =
      absl::FunctionRef<absl::StatusOr<Job>(Transaction& transaction, const Job& job, Effects&)>;
  absl::StatusOr<Job> Execute(const char* kind, const Order& order, Execution execution);

  BlobStore& blobs_;
  Commits& commits_;
  Clock& clock_;
  Liveness& liveness_;
};

}  // namespace tune::server
