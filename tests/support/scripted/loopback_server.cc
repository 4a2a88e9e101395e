#include "tests/support/scripted/loopback_server.h"

#include <chrono>

#include "absl/strings/str_cat.h"

namespace tune::testing {

LoopbackServer::LoopbackServer(const std::vector<grpc::Service*>& services,
                               const TransportOptions& options) {
  int port = 0;
  grpc::ServerBuilder builder;
  SetServerLimits(builder);
  builder.AddListeningPort("127.0.0.1:0", *ServerCredentials("127.0.0.1:0", options), &port);
  for (grpc::Service* service : services) builder.RegisterService(service);
  server_ = builder.BuildAndStart();
  address_ = absl::StrCat("127.0.0.1:", port);
}

LoopbackServer::~LoopbackServer() { server_->Shutdown(std::chrono::system_clock::now()); }

std::shared_ptr<grpc::Channel> LoopbackServer::channel() const {
  return MakeChannel(address_, *ClientCredentials(address_, {}));
}

}  // namespace tune::testing
