// tune.v1.DispatchService: the worker's side of the scheduler.
#pragma once

#include "server/engine/engine.h"
#include "server/rpc/call.h"
#include "tune/v1/workers.grpc.pb.h"

namespace tune::server {

class DispatchService : public v1::DispatchService::CallbackService {
 public:
  DispatchService(Engine& engine, const CallRuntime& runtime)
      : engine_(engine), runtime_(runtime) {}

  grpc::ServerUnaryReactor* RegisterWorker(grpc::CallbackServerContext* context,
                                           const v1::RegisterWorkerRequest* request,
                                           v1::RegisterWorkerResponse* response) override;
  // Waits without a thread: see LeaseWait.
  grpc::ServerUnaryReactor* AcquireLease(grpc::CallbackServerContext* context,
                                         const v1::AcquireLeaseRequest* request,
                                         v1::AcquireLeaseResponse* response) override;
  grpc::ServerUnaryReactor* Heartbeat(grpc::CallbackServerContext* context,
                                      const v1::HeartbeatRequest* request,
                                      v1::HeartbeatResponse* response) override;
  grpc::ServerUnaryReactor* ReportEvents(grpc::CallbackServerContext* context,
                                         const v1::ReportEventsRequest* request,
                                         v1::ReportEventsResponse* response) override;
  grpc::ServerUnaryReactor* AppendLogs(grpc::CallbackServerContext* context,
                                       const v1::AppendLogsRequest* request,
                                       v1::AppendLogsResponse* response) override;
  grpc::ServerUnaryReactor* CommitCheckpoint(grpc::CallbackServerContext* context,
                                             const v1::CommitCheckpointRequest* request,
                                             v1::Checkpoint* response) override;
  grpc::ServerUnaryReactor* FinishAttempt(grpc::CallbackServerContext* context,
                                          const v1::FinishAttemptRequest* request,
                                          v1::FinishAttemptResponse* response) override;

 private:
  Engine& engine_;
  const CallRuntime runtime_;
};

}  // namespace tune::server
