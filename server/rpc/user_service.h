// tune.v1.UserService.
#pragma once

#include "server/engine/engine.h"
#include "server/rpc/call.h"
#include "tune/v1/users.grpc.pb.h"

namespace tune::server {

class UserService : public v1::UserService::CallbackService {
 public:
  UserService(Engine& engine, const CallRuntime& runtime)
      : users_(engine.users()), runtime_(runtime) {}

  grpc::ServerUnaryReactor* ListUsers(grpc::CallbackServerContext* context,
                                      const v1::ListUsersRequest* request,
                                      v1::ListUsersResponse* response) override;
  grpc::ServerUnaryReactor* SetQuota(grpc::CallbackServerContext* context,
                                     const v1::SetQuotaRequest* request,
                                     google::protobuf::Empty* response) override;

 private:
  Users& users_;
  const CallRuntime runtime_;
};

}  // namespace tune::server
