// tune.v1.DatasetService.
#pragma once

#include "server/engine/engine.h"
#include "server/rpc/call.h"
#include "tune/v1/registry.grpc.pb.h"

namespace tune::server {

class DatasetService : public v1::DatasetService::CallbackService {
 public:
  DatasetService(Engine& engine, const CallRuntime& runtime)
      : registry_(engine.registry()), runtime_(runtime) {}

  grpc::ServerUnaryReactor* CreateDataset(grpc::CallbackServerContext* context,
                                          const v1::CreateDatasetRequest* request,
                                          v1::Dataset* response) override;
  grpc::ServerUnaryReactor* GetDataset(grpc::CallbackServerContext* context,
                                       const v1::GetDatasetRequest* request,
                                       v1::Dataset* response) override;
  grpc::ServerUnaryReactor* ListDatasets(grpc::CallbackServerContext* context,
                                         const v1::ListDatasetsRequest* request,
                                         v1::ListDatasetsResponse* response) override;
  grpc::ServerUnaryReactor* DeleteDataset(grpc::CallbackServerContext* context,
                                          const v1::DeleteDatasetRequest* request,
                                          google::protobuf::Empty* response) override;

 private:
  Registry& registry_;
  const CallRuntime runtime_;
};

}  // namespace tune::server
