#include "server/rpc/user_service.h"

#include "base/status.h"

namespace tune::server {
namespace {

v1::User ToProto(const UserRecord& user) {
  v1::User proto;
  proto.set_id(user.id);
  proto.set_device_seconds(user.device_seconds);
  proto.set_running_jobs(user.holdings.jobs);
  proto.set_gpus(user.holdings.gpus);
  proto.set_queued_jobs(user.queued_jobs);
  if (!user.quota) return proto;
  v1::Quota& quota = *proto.mutable_quota();
  if (user.quota->running_jobs) quota.set_running_jobs(*user.quota->running_jobs);
  if (user.quota->gpus) quota.set_gpus(*user.quota->gpus);
  if (user.quota->queued_jobs) quota.set_queued_jobs(*user.quota->queued_jobs);
  return proto;
}

Quota FromProto(const v1::Quota& proto) {
  Quota quota;
  if (proto.has_running_jobs()) quota.running_jobs = proto.running_jobs();
  if (proto.has_gpus()) quota.gpus = proto.gpus();
  if (proto.has_queued_jobs()) quota.queued_jobs = proto.queued_jobs();
  return quota;
}

}  // namespace

grpc::ServerUnaryReactor* UserService::ListUsers(grpc::CallbackServerContext* context,
                                                 const v1::ListUsersRequest* request,
                                                 v1::ListUsersResponse* response) {
  const auto work = [this]() -> absl::StatusOr<v1::ListUsersResponse> {
    ASSIGN_OR_RETURN(const std::vector<UserRecord> users, users_.List());
    v1::ListUsersResponse list;
    for (const UserRecord& user : users) *list.add_users() = ToProto(user);
    return list;
  };
  return RunCall(runtime_, context, response, work);
}

grpc::ServerUnaryReactor* UserService::SetQuota(grpc::CallbackServerContext* context,
                                                const v1::SetQuotaRequest* request,
                                                google::protobuf::Empty* response) {
  const auto work = [this, request]() -> absl::StatusOr<google::protobuf::Empty> {
    RETURN_IF_ERROR(users_.SetQuota(request->user(), FromProto(request->quota())));
    return google::protobuf::Empty();
  };
  return RunCall(runtime_, context, response, work);
}

}  // namespace tune::server
