// tune.v1.ModelService.
#pragma once

#include "server/engine/engine.h"
#include "server/rpc/call.h"
#include "tune/v1/registry.grpc.pb.h"

namespace tune::server {

class ModelService : public v1::ModelService::CallbackService {
 public:
  ModelService(Engine& engine, const CallRuntime& runtime)
      : registry_(engine.registry()), runtime_(runtime) {}

  grpc::ServerUnaryReactor* CreateModel(grpc::CallbackServerContext* context,
                                        const v1::CreateModelRequest* request,
                                        v1::Model* response) override;
  grpc::ServerUnaryReactor* GetModel(grpc::CallbackServerContext* context,
                                     const v1::GetModelRequest* request,
                                     v1::Model* response) override;
  grpc::ServerUnaryReactor* ListModels(grpc::CallbackServerContext* context,
                                       const v1::ListModelsRequest* request,
                                       v1::ListModelsResponse* response) override;
  grpc::ServerUnaryReactor* DeleteModel(grpc::CallbackServerContext* context,
                                        const v1::DeleteModelRequest* request,
                                        google::protobuf::Empty* response) override;

 private:
  Registry& registry_;
  const CallRuntime runtime_;
};

}  // namespace tune::server
