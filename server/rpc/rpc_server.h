// The gRPC server: every service of the contract, health and reflection, on one address.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "server/engine/engine.h"
#include "server/engine/signal.h"
#include "server/rpc/blob_service.h"
#include "server/rpc/checkpoint_service.h"
#include "server/rpc/dataset_service.h"
#include "server/rpc/dispatch_service.h"
#include "server/rpc/executor.h"
#include "server/rpc/job_service.h"
#include "server/rpc/model_service.h"
#include "server/rpc/rpc_metrics.h"
#include "server/rpc/user_service.h"
#include "server/rpc/worker_service.h"

namespace tune::server {

class RpcServer {
 public:
  // Listens and serves; what is given must outlive this object. FAILED_PRECONDITION where
  // the address is taken, INVALID_ARGUMENT where it is none.
  static absl::StatusOr<std::unique_ptr<RpcServer>> Start(
      Engine& engine, Clock& clock, const std::string& address,
      const std::shared_ptr<grpc::ServerCredentials>& credentials, RpcMetrics& metrics,
      const TransferCounters& transfers);
  ~RpcServer();

  // Takes no more calls, ends those that wait, lets the others go on for `grace`, then
  // cancels them. Returns when all are over.
  void Drain(absl::Duration grace);

  // HOST:PORT with the port bound.
  const std::string& address() const { return address_; }

 private:
  RpcServer(Engine& engine, Clock& clock, const TransferCounters& transfers);

  Clock& clock_;
  Signal drain_;
  Executor calls_;
  Executor checks_;
  Executor streams_;
  const CallRuntime runtime_;
  JobService jobs_;
  DatasetService datasets_;
  ModelService models_;
  CheckpointService checkpoints_;
  UserService users_;
  WorkerService workers_;
  DispatchService dispatch_;
  BlobService blobs_;
  std::string address_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace tune::server
