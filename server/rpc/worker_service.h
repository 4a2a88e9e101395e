// tune.v1.WorkerService.
#pragma once

#include "server/engine/engine.h"
#include "server/rpc/call.h"
#include "tune/v1/workers.grpc.pb.h"

namespace tune::server {

class WorkerService : public v1::WorkerService::CallbackService {
 public:
  WorkerService(Engine& engine, const CallRuntime& runtime)
      : queries_(engine.queries()), cordons_(engine.cordons()), runtime_(runtime) {}

  grpc::ServerUnaryReactor* GetWorker(grpc::CallbackServerContext* context,
                                      const v1::GetWorkerRequest* request,
                                      v1::Worker* response) override;
  grpc::ServerUnaryReactor* ListWorkers(grpc::CallbackServerContext* context,
                                        const v1::ListWorkersRequest* request,
                                        v1::ListWorkersResponse* response) override;
  grpc::ServerUnaryReactor* CordonWorker(grpc::CallbackServerContext* context,
                                         const v1::CordonWorkerRequest* request,
                                         v1::Worker* response) override;
  grpc::ServerUnaryReactor* UncordonWorker(grpc::CallbackServerContext* context,
                                           const v1::UncordonWorkerRequest* request,
                                           google::protobuf::Empty* response) override;

 private:
  Queries& queries_;
  Cordons& cordons_;
  const CallRuntime runtime_;
};

}  // namespace tune::server
