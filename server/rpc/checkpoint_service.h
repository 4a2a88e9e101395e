// tune.v1.CheckpointService.
#pragma once

#include "server/engine/engine.h"
#include "server/rpc/call.h"
#include "tune/v1/registry.grpc.pb.h"

namespace tune::server {

class CheckpointService : public v1::CheckpointService::CallbackService {
 public:
  CheckpointService(Engine& engine, const CallRuntime& runtime)
      : registry_(engine.registry()), removal_(engine.removal()), runtime_(runtime) {}

  grpc::ServerUnaryReactor* GetCheckpoint(grpc::CallbackServerContext* context,
                                          const v1::GetCheckpointRequest* request,
                                          v1::Checkpoint* response) override;
  grpc::ServerUnaryReactor* ListCheckpoints(grpc::CallbackServerContext* context,
                                            const v1::ListCheckpointsRequest* request,
                                            v1::ListCheckpointsResponse* response) override;
  grpc::ServerUnaryReactor* DeleteCheckpoint(grpc::CallbackServerContext* context,
                                             const v1::DeleteCheckpointRequest* request,
                                             google::protobuf::Empty* response) override;

 private:
  Registry& registry_;
  Removal& removal_;
  const CallRuntime runtime_;
};

}  // namespace tune::server
