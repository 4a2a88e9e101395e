#include "worker/agent/control_plane.h"

#include "proto/wire/status.h"

namespace tune::worker {

bool IsLeaseEnded(const absl::Status& status) {
  return absl::IsAborted(status) && ReasonOf(status) == kStaleEpoch;
}

bool IsUnknownWorker(const absl::Status& status) { return ReasonOf(status) == "UNKNOWN_WORKER"; }

bool IsTransient(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kUnknown:  // a stream cut off by a dying scheduler
    case absl::StatusCode::kCancelled:
      return true;
    case absl::StatusCode::kAborted:
      return !IsLeaseEnded(status);
    default:
      return false;
  }
}

}  // namespace tune::worker
