#include "server/rpc/model_service.h"

#include "base/status.h"
#include "proto/wire/convert.h"
#include "run/names.h"
#include "server/rpc/conversion.h"
#include "server/rpc/list_page.h"

namespace tune::server {

grpc::ServerUnaryReactor* ModelService::CreateModel(grpc::CallbackServerContext* context,
                                                    const v1::CreateModelRequest* request,
                                                    v1::Model* response) {
  return RunCheck(runtime_, context, response, [this, request]() -> absl::StatusOr<v1::Model> {
    ASSIGN_OR_RETURN(const Model model, registry_.CreateModel(request->model_id(),
                                                              FromProto(request->model().files())));
    return ToProto(model);
  });
}

grpc::ServerUnaryReactor* ModelService::GetModel(grpc::CallbackServerContext* context,
                                                 const v1::GetModelRequest* request,
                                                 v1::Model* response) {
  return RunCall(runtime_, context, response, [this, request]() -> absl::StatusOr<v1::Model> {
    ASSIGN_OR_RETURN(const std::string id, ParseName("models", request->name()));
    ASSIGN_OR_RETURN(const Model model, registry_.GetModel(id));
    return ToProto(model);
  });
}

grpc::ServerUnaryReactor* ModelService::ListModels(grpc::CallbackServerContext* context,
                                                   const v1::ListModelsRequest* request,
                                                   v1::ListModelsResponse* response) {
  const auto work = [this, request]() -> absl::StatusOr<v1::ListModelsResponse> {
    ASSIGN_OR_RETURN(const auto page, registry_.ListModels(PageOf(*request)));
    v1::ListModelsResponse list;
    list.set_next_page_token(PutPage(page, list.mutable_models()));
    return list;
  };
  return RunCall(runtime_, context, response, work);
}

grpc::ServerUnaryReactor* ModelService::DeleteModel(grpc::CallbackServerContext* context,
                                                    const v1::DeleteModelRequest* request,
                                                    google::protobuf::Empty* response) {
  const auto work = [this, request]() -> absl::StatusOr<google::protobuf::Empty> {
    ASSIGN_OR_RETURN(const std::string id, ParseName("models", request->name()));
    RETURN_IF_ERROR(registry_.DeleteModel(id));
    return google::protobuf::Empty();
  };
  return RunCall(runtime_, context, response, work);
}

}  // namespace tune::server
