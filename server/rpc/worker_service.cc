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

}  // namespace tune::server
