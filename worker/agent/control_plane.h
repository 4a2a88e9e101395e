// The scheduler as the worker sees it: one synchronous call each, all thread-safe and all
// with a deadline. Errors are gRPC's, with the reason where the scheduler gave one.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tune/v1/workers.pb.h"

namespace tune::worker {

class ControlPlane {
 public:
  virtual ~ControlPlane() = default;

  virtual absl::StatusOr<v1::RegisterWorkerResponse> RegisterWorker(
      const v1::RegisterWorkerRequest& request) = 0;
  virtual absl::StatusOr<v1::AcquireLeaseResponse> AcquireLease(
      const v1::AcquireLeaseRequest& request) = 0;
  // Ends an AcquireLease under way, and every later one, with CANCELLED.
  virtual void StopAcquiring() = 0;
  virtual absl::StatusOr<v1::HeartbeatResponse> Heartbeat(const v1::HeartbeatRequest& request) = 0;
  virtual absl::StatusOr<v1::ReportEventsResponse> ReportEvents(
      const v1::ReportEventsRequest& request) = 0;
  virtual absl::StatusOr<v1::AppendLogsResponse> AppendLogs(
      const v1::AppendLogsRequest& request) = 0;
  virtual absl::StatusOr<v1::Checkpoint> CommitCheckpoint(
      const v1::CommitCheckpointRequest& request) = 0;
  virtual absl::StatusOr<v1::FinishAttemptResponse> FinishAttempt(
      const v1::FinishAttemptRequest& request) = 0;

  // Sends the file `path`, whose hash and size these are, unless the store has it.
  virtual absl::Status Upload(const std::string& path, const std::string& sha256,
                              int64_t size_bytes) = 0;
  // Fetches a blob; `path` exists only once its hash was checked.
  virtual absl::Status Download(const std::string& sha256, int64_t size_bytes,
                                const std::string& path) = 0;
};

// The lease that spoke has ended: its trainer must stop.
bool IsLeaseEnded(const absl::Status& status);
// This process is not the one registered under its name.
bool IsUnknownWorker(const absl::Status& status);
// The same call may go better later: the scheduler is away, busy, or its disk is full.
bool IsTransient(const absl::Status& status);

}  // namespace tune::worker
