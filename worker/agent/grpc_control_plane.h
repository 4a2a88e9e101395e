// ControlPlane over gRPC, on three connections: what a lease lives by must not wait behind what a
// run has to tell, nor that behind its checkpoints, on a link that these fill.
#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "proto/wire/blobs.h"
#include "tune/v1/workers.grpc.pb.h"
#include "worker/agent/control_plane.h"

namespace tune::worker {

class GrpcControlPlane : public ControlPlane {
 public:
  // `connect` makes a channel to the scheduler, each with a connection of its own.
  explicit GrpcControlPlane(const std::function<std::shared_ptr<grpc::Channel>()>& connect);

  absl::StatusOr<v1::RegisterWorkerResponse> RegisterWorker(
      const v1::RegisterWorkerRequest& request) override;
  absl::StatusOr<v1::AcquireLeaseResponse> AcquireLease(
      const v1::AcquireLeaseRequest& request) override;
  void StopAcquiring() override;
  absl::StatusOr<v1::HeartbeatResponse> Heartbeat(const v1::HeartbeatRequest& request) override;
  absl::StatusOr<v1::ReportEventsResponse> ReportEvents(
      const v1::ReportEventsRequest& request) override;
  absl::StatusOr<v1::AppendLogsResponse> AppendLogs(const v1::AppendLogsRequest& request) override;
  absl::StatusOr<v1::Checkpoint> CommitCheckpoint(
      const v1::CommitCheckpointRequest& request) override;
  absl::StatusOr<v1::FinishAttemptResponse> FinishAttempt(
      const v1::FinishAttemptRequest& request) override;
  absl::Status Upload(const std::string& path, const std::string& sha256,
                      int64_t size_bytes) override;
  absl::Status Download(const std::string& sha256, int64_t size_bytes,
                        const std::string& path) override;

 private:
  // Leases are won and held on the first, attempts reported on the second; files go on the third.
  const std::shared_ptr<grpc::Channel> lease_channel_, report_channel_, blob_channel_;
  const std::unique_ptr<v1::DispatchService::Stub> leases_, reports_;
  BlobClient blobs_;

  absl::Mutex mutex_;
  bool acquiring_stopped_ ABSL_GUARDED_BY(mutex_) = false;
  grpc::ClientContext* acquiring_ ABSL_GUARDED_BY(mutex_) = nullptr;  // of the call under way
};

}  // namespace tune::worker
