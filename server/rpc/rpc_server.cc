#include "server/rpc/rpc_server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "proto/wire/transport.h"
#include "server/rpc/listen_error.h"

namespace tune::server {
namespace {

// A commit's wait is most of a call: many threads, so that many share one commit.
constexpr int kCallThreads = 16;
constexpr size_t kMaxQueuedCalls = 1024;
constexpr int kCheckThreads = 4;  // so that two large datasets leave room for small ones
constexpr size_t kMaxQueuedChecks = 32;
constexpr int kStreamThreads = 4;
constexpr size_t kMaxQueuedStreams = 1024;

std::string WithPort(const std::string& address, int port) {
  if (absl::StartsWith(address, "unix")) return address;
  return absl::StrCat(address.substr(0, address.rfind(':')), ":", port);
}

// The reflection service is gRPC's own and synchronous: one queue, two threads for it.
void LimitSyncThreads(grpc::ServerBuilder& builder) {
  builder.SetSyncServerOption(grpc::ServerBuilder::NUM_CQS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::MIN_POLLERS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::MAX_POLLERS, 2);
}

}  // namespace

RpcServer::RpcServer(Engine& engine, Clock& clock, const TransferCounters& transfers)
    : clock_(clock),
      calls_(kCallThreads, kMaxQueuedCalls),
      checks_(kCheckThreads, kMaxQueuedChecks),
      streams_(kStreamThreads, kMaxQueuedStreams),
      runtime_{calls_, checks_, streams_, drain_, clock},
      jobs_(engine, runtime_),
      datasets_(engine, runtime_),
      models_(engine, runtime_),
      checkpoints_(engine, runtime_),
      users_(engine, runtime_),
      workers_(engine, runtime_),
      dispatch_(engine, runtime_),
      blobs_(engine, runtime_, transfers) {}

RpcServer::~RpcServer() { Drain(absl::ZeroDuration()); }

absl::StatusOr<std::unique_ptr<RpcServer>> RpcServer::Start(
    Engine& engine, Clock& clock, const std::string& address,
    const std::shared_ptr<grpc::ServerCredentials>& credentials, RpcMetrics& metrics,
    const TransferCounters& transfers) {
  std::unique_ptr<RpcServer> server(new RpcServer(engine, clock, transfers));
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  SetServerLimits(builder);
  LimitSyncThreads(builder);
  int port = 0;
  builder.AddListeningPort(address, credentials, &port);
  for (grpc::Service* service : std::initializer_list<grpc::Service*>{
           &server->jobs_, &server->datasets_, &server->models_, &server->checkpoints_,
           &server->users_, &server->workers_, &server->dispatch_, &server->blobs_}) {
    builder.RegisterService(service);
  }
  std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> interceptors;
  interceptors.push_back(metrics.MakeInterceptors());
  builder.experimental().SetInterceptorCreators(std::move(interceptors));
  server->server_ = builder.BuildAndStart();
  if (!server->server_) return WhyNotListening(address);
  server->address_ = WithPort(address, port);
  return server;
}

void RpcServer::Drain(absl::Duration grace) {
  if (!server_) return;
  server_->GetHealthCheckService()->SetServingStatus(false);
  drain_.Notify();
  server_->Shutdown(absl::ToChronoTime(clock_.Now() + grace));
  server_.reset();
}

}  // namespace tune::server
