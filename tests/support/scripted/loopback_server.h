// A gRPC server on a free loopback port, in the test's process.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <vector>

#include "proto/wire/transport.h"

namespace tune::testing {

// Serves `services`, which outlive it, while this lives.
class LoopbackServer {
 public:
  explicit LoopbackServer(const std::vector<grpc::Service*>& services,
                          const TransportOptions& options = {});
  ~LoopbackServer();
  const std::string& address() const { return address_; }
  std::shared_ptr<grpc::Channel> channel() const;

 private:
  std::string address_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace tune::testing
