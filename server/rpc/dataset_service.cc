#include "server/rpc/dataset_service.h"

#include "base/status.h"
#include "proto/wire/convert.h"
#include "run/names.h"
#include "server/rpc/conversion.h"
#include "server/rpc/list_page.h"

namespace tune::server {
namespace {

Columns ColumnsOf(const v1::Dataset& dataset) {
  return {dataset.columns().begin(), dataset.columns().end()};
}

}  // namespace

grpc::ServerUnaryReactor* DatasetService::CreateDataset(grpc::CallbackServerContext* context,
                                                        const v1::CreateDatasetRequest* request,
                                                        v1::Dataset* response) {
  return RunCheck(runtime_, context, response, [this, request]() -> absl::StatusOr<v1::Dataset> {
    ASSIGN_OR_RETURN(const Dataset dataset,
                     registry_.CreateDataset(
                         request->dataset_id(), FromProto(request->dataset().file()),
                         {ColumnsOf(request->dataset()), request->dataset().max_bad_rows()}));
    return ToProto(dataset);
  });
}

grpc::ServerUnaryReactor* DatasetService::GetDataset(grpc::CallbackServerContext* context,
                                                     const v1::GetDatasetRequest* request,
                                                     v1::Dataset* response) {
  return RunCall(runtime_, context, response, [this, request]() -> absl::StatusOr<v1::Dataset> {
    ASSIGN_OR_RETURN(const std::string id, ParseName("datasets", request->name()));
    ASSIGN_OR_RETURN(const Dataset dataset, registry_.GetDataset(id));
    return ToProto(dataset);
  });
}

grpc::ServerUnaryReactor* DatasetService::ListDatasets(grpc::CallbackServerContext* context,
                                                       const v1::ListDatasetsRequest* request,
                                                       v1::ListDatasetsResponse* response) {
  const auto work = [this, request]() -> absl::StatusOr<v1::ListDatasetsResponse> {
    ASSIGN_OR_RETURN(const auto page, registry_.ListDatasets(PageOf(*request)));
    v1::ListDatasetsResponse list;
    list.set_next_page_token(PutPage(page, list.mutable_datasets()));
    return list;
  };
  return RunCall(runtime_, context, response, work);
}

grpc::ServerUnaryReactor* DatasetService::DeleteDataset(grpc::CallbackServerContext* context,
                                                        const v1::DeleteDatasetRequest* request,
                                                        google::protobuf::Empty* response) {
  const auto work = [this, request]() -> absl::StatusOr<google::protobuf::Empty> {
    ASSIGN_OR_RETURN(const std::string id, ParseName("datasets", request->name()));
    RETURN_IF_ERROR(registry_.DeleteDataset(id));
    return google::protobuf::Empty();
  };
  return RunCall(runtime_, context, response, work);
}

}  // namespace tune::server
