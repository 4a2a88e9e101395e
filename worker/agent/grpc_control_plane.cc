#include "worker/agent/grpc_control_plane.h"

#include <chrono>

#include "absl/strings/str_cat.h"
#include "proto/wire/status.h"
#include "proto/wire/transport.h"

namespace tune::worker {
namespace {

constexpr absl::Duration kCallTimeout = absl::Seconds(10);
constexpr absl::Duration kRegisterTimeout = absl::Seconds(3);
// A heartbeat that takes longer than this must make room for the next.
constexpr absl::Duration kHeartbeatTimeout = absl::Seconds(5);
constexpr std::chrono::milliseconds kConnectTimeout(500);
// A commit checks the files against the store.
constexpr absl::Duration kCommitTimeout = absl::Seconds(60);

using Dispatch = v1::DispatchService::Stub;

template <typename Request, typename Response>
using Method = grpc::Status (Dispatch::*)(grpc::ClientContext*, const Request&, Response*);

struct CallOptions {
  absl::Duration timeout = kCallTimeout;
  // Waits for a connection instead of failing without one.
  bool wait_for_connection = false;
};

absl::Status ToStatus(const grpc::Status& status, const CallOptions& options) {
  if (options.wait_for_connection && status.error_code() == grpc::DEADLINE_EXCEEDED) {
    return absl::UnavailableError(
        absl::StrCat("no answer within ", absl::FormatDuration(options.timeout)));
  }
  return FromGrpcStatus(status);
}

template <typename Request, typename Response>
absl::StatusOr<Response> Call(Dispatch& stub, Method<Request, Response> method,
                              const Request& request, const CallOptions& options = {}) {
  Response response;
  const auto context = MakeContext(options.timeout);
  context->set_wait_for_ready(options.wait_for_connection);
  const grpc::Status status = (stub.*method)(context.get(), request, &response);
  if (!status.ok()) return ToStatus(status, options);
  return response;
}

// gRPC's synchronous clients move a connection on only while a call waits (else every 5 s): calls
// that fail without one give it this time first.
void AwaitConnection(grpc::Channel& channel) {
  channel.WaitForConnected(std::chrono::system_clock::now() + kConnectTimeout);
}

}  // namespace

GrpcControlPlane::GrpcControlPlane(const std::function<std::shared_ptr<grpc::Channel>()>& connect)
    : lease_channel_(connect()),
      report_channel_(connect()),
      blob_channel_(connect()),
      leases_(v1::DispatchService::NewStub(lease_channel_)),
      reports_(v1::DispatchService::NewStub(report_channel_)),
      blobs_(blob_channel_) {}

absl::StatusOr<v1::RegisterWorkerResponse> GrpcControlPlane::RegisterWorker(
    const v1::RegisterWorkerRequest& request) {
  return Call(*leases_, &Dispatch::RegisterWorker, request,
              {.timeout = kRegisterTimeout, .wait_for_connection = true});
}

absl::StatusOr<v1::AcquireLeaseResponse> GrpcControlPlane::AcquireLease(
    const v1::AcquireLeaseRequest& request) {
  const CallOptions options{.timeout = absl::Milliseconds(request.wait_ms()) + kCallTimeout,
                            .wait_for_connection = true};
  const auto context = MakeContext(options.timeout);
  context->set_wait_for_ready(true);
  {
    absl::MutexLock lock(&mutex_);
    if (acquiring_stopped_) return absl::CancelledError("this worker takes no more leases");
    acquiring_ = context.get();
  }
  v1::AcquireLeaseResponse response;
  const grpc::Status status = leases_->AcquireLease(context.get(), request, &response);
  absl::MutexLock lock(&mutex_);
  acquiring_ = nullptr;
  if (!status.ok()) return ToStatus(status, options);
  return response;
}

void GrpcControlPlane::StopAcquiring() {
  absl::MutexLock lock(&mutex_);
  acquiring_stopped_ = true;
  if (acquiring_ != nullptr) acquiring_->TryCancel();
}

absl::StatusOr<v1::HeartbeatResponse> GrpcControlPlane::Heartbeat(
    const v1::HeartbeatRequest& request) {
  return Call(*leases_, &Dispatch::Heartbeat, request,
              {.timeout = kHeartbeatTimeout, .wait_for_connection = true});
}

absl::StatusOr<v1::ReportEventsResponse> GrpcControlPlane::ReportEvents(
    const v1::ReportEventsRequest& request) {
  AwaitConnection(*report_channel_);
  return Call(*reports_, &Dispatch::ReportEvents, request);
}

absl::StatusOr<v1::AppendLogsResponse> GrpcControlPlane::AppendLogs(
    const v1::AppendLogsRequest& request) {
  AwaitConnection(*report_channel_);
  return Call(*reports_, &Dispatch::AppendLogs, request);
}

absl::StatusOr<v1::Checkpoint> GrpcControlPlane::CommitCheckpoint(
    const v1::CommitCheckpointRequest& request) {
  AwaitConnection(*report_channel_);
  return Call(*reports_, &Dispatch::CommitCheckpoint, request, {.timeout = kCommitTimeout});
}

absl::StatusOr<v1::FinishAttemptResponse> GrpcControlPlane::FinishAttempt(
    const v1::FinishAttemptRequest& request) {
  AwaitConnection(*report_channel_);
  return Call(*reports_, &Dispatch::FinishAttempt, request);
}

absl::Status GrpcControlPlane::Upload(const std::string& path, const std::string& sha256,
                                      int64_t size_bytes) {
  AwaitConnection(*blob_channel_);
  return blobs_.Upload(path, sha256, size_bytes);
}

absl::Status GrpcControlPlane::Download(const std::string& sha256, int64_t size_bytes,
                                        const std::string& path) {
  AwaitConnection(*blob_channel_);
  return blobs_.Download(sha256, size_bytes, path);
}

}  // namespace tune::worker
