#include "server/rpc/worker_service.h"

#include "base/status.h"
#include "run/names.h"
#include "server/rpc/conversion.h"
#include "server/rpc/list_page.h"

namespace tune::server {

grpc::ServerUnaryReactor* WorkerService::GetWorker(grpc::CallbackServerContext* context,
                                                   const v1::GetWorkerRequest* request,
                                                   v1::Worker* response) {
  return RunCall(runtime_, context, response, [this, request]() -> absl::StatusOr<v1::Worker> {
    ASSIGN_OR_RETURN(const std::string id, ParseName("workers", request->name()));
    ASSIGN_OR_RETURN(const WorkerRecord worker, queries_.GetWorker(id));
    return ToProto(worker);
  });
}

grpc::ServerUnaryReactor* WorkerService::ListWorkers(grpc::CallbackServerContext* context,
                                                     const v1::ListWorkersRequest* request,
                                                     v1::ListWorkersResponse* response) {
  const auto work = [this, request]() -> absl::StatusOr<v1::ListWorkersResponse> {
    ASSIGN_OR_RETURN(const auto page, queries_.ListWorkers(PageOf(*request)));
    v1::ListWorkersResponse list;
    list.set_next_page_token(PutPage(page, list.mutable_workers()));
    return list;
  };
  return RunCall(runtime_, context, response, work);
}

grpc::ServerUnaryReactor* WorkerService::CordonWorker(grpc::CallbackServerContext* context,
                                                      const v1::CordonWorkerRequest* request,
                                                      v1::Worker* response) {
  const auto work = [this, request, context]() -> absl::StatusOr<v1::Worker> {
    ASSIGN_OR_RETURN(const std::string id, ParseName("workers", request->name()));
    ASSIGN_OR_RETURN(const WorkerRecord worker,
                     cordons_.Cordon({.worker_id = id,
                                      .reason = request->reason(),
                                      .user = IdentityOf(*context).user,
                                      .yield = request->yield(),
                                      .validate_only = request->validate_only()}));
    return ToProto(worker);
  };
  return RunCall(runtime_, context, response, work);
}

grpc::ServerUnaryReactor* WorkerService::UncordonWorker(grpc::CallbackServerContext* context,
                                                        const v1::UncordonWorkerRequest* request,
                                                        google::protobuf::Empty* response) {
  const auto work = [this, request]() -> absl::StatusOr<google::protobuf::Empty> {
    ASSIGN_OR_RETURN(const std::string id, ParseName("workers", request->name()));
    RETURN_IF_ERROR(
        cordons_.Uncordon({.worker_id = id, .validate_only = request->validate_only()}));
    return google::protobuf::Empty();
  };
  return RunCall(runtime_, context, response, work);
}

}  // namespace tune::server
