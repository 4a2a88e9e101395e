#include "server/rpc/dispatch_service.h"

#include "base/status.h"
#include "base/version.h"
#include "proto/wire/convert.h"
#include "proto/wire/transport.h"
#include "run/names.h"
#include "server/rpc/conversion.h"
#include "server/rpc/lease_wait.h"

namespace tune::server {

grpc::ServerUnaryReactor* DispatchService::RegisterWorker(grpc::CallbackServerContext* context,
                                                          const v1::RegisterWorkerRequest* request,
                                                          v1::RegisterWorkerResponse* response) {
  const auto work = [this, request, context]() -> absl::StatusOr<v1::RegisterWorkerResponse> {
    ASSIGN_OR_RETURN(Registration registration, FromProto(*request));
    registration.worker.owner = IdentityOf(*context).user;
    ASSIGN_OR_RETURN(const auto ended, engine_.leases().RegisterWorker(registration));
    const LeaseOptions& options = engine_.leases().options();
    v1::RegisterWorkerResponse answer;
    for (const LeaseKey& key : ended) *answer.add_ended() = ToProto(key);
    answer.set_version(Version());
    answer.set_lease_ttl_ms(absl::ToInt64Milliseconds(options.ttl));
    answer.set_heartbeat_interval_ms(absl::ToInt64Milliseconds(options.heartbeat_interval));
    return answer;
  };
  return RunCall(runtime_, context, response, work);
}

grpc::ServerUnaryReactor* DispatchService::AcquireLease(grpc::CallbackServerContext* context,
                                                        const v1::AcquireLeaseRequest* request,
                                                        v1::AcquireLeaseResponse* response) {
  return new LeaseWait(engine_, runtime_, context, request, response);
}

grpc::ServerUnaryReactor* DispatchService::Heartbeat(grpc::CallbackServerContext* context,
                                                     const v1::HeartbeatRequest* request,
                                                     v1::HeartbeatResponse* response) {
  const auto work = [this, request]() -> absl::StatusOr<v1::HeartbeatResponse> {
    ASSIGN_OR_RETURN(const std::string worker_id, ParseName("workers", request->worker()));
    if (request->leaving()) {
      RETURN_IF_ERROR(engine_.leases().Leave(worker_id, request->incarnation()));
      return v1::HeartbeatResponse();
    }
    std::vector<LeaseKey> held;
    for (const v1::LeaseKey& proto : request->leases()) {
      ASSIGN_OR_RETURN(held.emplace_back(), FromProto(proto));
    }
    ASSIGN_OR_RETURN(const auto ended, engine_.leases().Heartbeat(
                                           worker_id, request->incarnation(), held,
                                           {request->free_disk_bytes(), request->unhealthy()}));
    v1::HeartbeatResponse answer;
    for (const LeaseKey& key : ended) *answer.add_ended() = ToProto(key);
    for (const LeaseKey& key : engine_.leases().Yielding(held)) {
      *answer.add_yielding() = ToProto(key);
    }
    return answer;
  };
  return RunCall(runtime_, context, response, work);
}

grpc::ServerUnaryReactor* DispatchService::ReportEvents(grpc::CallbackServerContext* context,
                                                        const v1::ReportEventsRequest* request,
                                                        v1::ReportEventsResponse* response) {
  const auto work = [this, request]() -> absl::StatusOr<v1::ReportEventsResponse> {
    ASSIGN_OR_RETURN(const LeaseKey key, FromProto(request->key()));
    std::vector<TrainingReport> reports;
    for (const v1::TrainingEvent& event : request->events()) reports.push_back(FromProto(event));
    ASSIGN_OR_RETURN(const int64_t last_seq,
                     engine_.reports().ReportEvents(key, request->first_seq(), reports));
    v1::ReportEventsResponse answer;
    answer.set_last_seq(last_seq);
    return answer;
  };
  return RunCall(runtime_, context, response, work);
}

grpc::ServerUnaryReactor* DispatchService::AppendLogs(grpc::CallbackServerContext* context,
                                                      const v1::AppendLogsRequest* request,
                                                      v1::AppendLogsResponse* response) {
  const auto work = [this, request]() -> absl::StatusOr<v1::AppendLogsResponse> {
    ASSIGN_OR_RETURN(const LeaseKey key, FromProto(request->key()));
    if (request->data().size() > kChunkBytes) {
      return absl::InvalidArgumentError("data: at most 1 MiB in one call");
    }
    ASSIGN_OR_RETURN(const int64_t held,
                     engine_.reports().AppendLogs(key, request->offset(), request->data()));
    v1::AppendLogsResponse answer;
    answer.set_size_bytes(held);
    return answer;
  };
  return RunCall(runtime_, context, response, work);
}

grpc::ServerUnaryReactor* DispatchService::CommitCheckpoint(
    grpc::CallbackServerContext* context, const v1::CommitCheckpointRequest* request,
    v1::Checkpoint* response) {
  return RunCall(runtime_, context, response, [this, request]() -> absl::StatusOr<v1::Checkpoint> {
    ASSIGN_OR_RETURN(const LeaseKey key, FromProto(request->key()));
    const CheckpointDraft draft{.step = request->step(),
                                .epoch = request->epoch(),
                                .loss = request->loss(),
                                .final = request->final(),
                                .files = FromProto(request->files())};
    ASSIGN_OR_RETURN(const Checkpoint checkpoint, engine_.reports().CommitCheckpoint(key, draft));
    return ToProto(checkpoint);
  });
}

grpc::ServerUnaryReactor* DispatchService::FinishAttempt(grpc::CallbackServerContext* context,
                                                         const v1::FinishAttemptRequest* request,
                                                         v1::FinishAttemptResponse* response) {
  const auto work = [this, request]() -> absl::StatusOr<v1::FinishAttemptResponse> {
    ASSIGN_OR_RETURN(const LeaseKey key, FromProto(request->key()));
    AttemptEnd end{.reason = request->reason(), .message = request->message()};
    ASSIGN_OR_RETURN(end.outcome, FromProto(request->outcome()));
    RETURN_IF_ERROR(engine_.reports().FinishAttempt(key, end));
    return v1::FinishAttemptResponse();
  };
  return RunCall(runtime_, context, response, work);
}

}  // namespace tune::server
