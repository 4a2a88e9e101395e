#include "server/rpc/checkpoint_service.h"

#include "base/status.h"
#include "run/names.h"
#include "server/rpc/conversion.h"
#include "server/rpc/list_page.h"

namespace tune::server {

grpc::ServerUnaryReactor* CheckpointService::GetCheckpoint(grpc::CallbackServerContext* context,
                                                           const v1::GetCheckpointRequest* request,
                                                           v1::Checkpoint* response) {
  return RunCall(runtime_, context, response, [this, request]() -> absl::StatusOr<v1::Checkpoint> {
    ASSIGN_OR_RETURN(const CheckpointRef ref, ParseCheckpointName(request->name()));
    ASSIGN_OR_RETURN(const Checkpoint checkpoint, registry_.GetCheckpoint(ref));
    return ToProto(checkpoint);
  });
}

grpc::ServerUnaryReactor* CheckpointService::ListCheckpoints(
    grpc::CallbackServerContext* context, const v1::ListCheckpointsRequest* request,
    v1::ListCheckpointsResponse* response) {
  const auto work = [this, request]() -> absl::StatusOr<v1::ListCheckpointsResponse> {
    ASSIGN_OR_RETURN(const std::string job_id, ParseName("jobs", request->parent()));
    ASSIGN_OR_RETURN(const auto page, registry_.ListCheckpoints(job_id, PageOf(*request)));
    v1::ListCheckpointsResponse list;
    list.set_next_page_token(PutPage(page, list.mutable_checkpoints()));
    return list;
  };
  return RunCall(runtime_, context, response, work);
}

grpc::ServerUnaryReactor* CheckpointService::DeleteCheckpoint(
    grpc::CallbackServerContext* context, const v1::DeleteCheckpointRequest* request,
    google::protobuf::Empty* response) {
  const auto work = [this, request]() -> absl::StatusOr<google::protobuf::Empty> {
    ASSIGN_OR_RETURN(const CheckpointRef ref, ParseCheckpointName(request->name()));
    RETURN_IF_ERROR(removal_.DeleteCheckpoint(ref));
    return google::protobuf::Empty();
  };
  return RunCall(runtime_, context, response, work);
}

}  // namespace tune::server
