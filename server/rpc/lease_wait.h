// One AcquireLease call: asks the engine, and again whenever there is news, until a job
// fits or the time to wait is over. Holds no thread meanwhile.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>

#include "server/core/lease.h"
#include "server/engine/engine.h"
#include "server/rpc/call.h"
#include "tune/v1/workers.pb.h"

namespace tune::server {

inline constexpr absl::Duration kMaxLeaseWait = absl::Seconds(30);

class LeaseWait : public grpc::ServerUnaryReactor {
 public:
  // Deletes itself when the call is done.
  LeaseWait(Engine& engine, const CallRuntime& runtime, grpc::CallbackServerContext* context,
            const v1::AcquireLeaseRequest* request, v1::AcquireLeaseResponse* response);

  void OnCancel() override { pump_->Cancel(); }
  void OnDone() override { delete this; }

 private:
  Pump::Next Step();
  absl::StatusOr<std::optional<Lease>> Ask();
  Pump::Next End(const absl::Status& status);

  Engine& engine_;
  grpc::CallbackServerContext* const context_;
  const v1::AcquireLeaseRequest& request_;
  v1::AcquireLeaseResponse& response_;
  const std::shared_ptr<Pump> pump_;
  CallEvents events_;
  std::unique_ptr<Waiter> waiter_;  // until the call is over
};

}  // namespace tune::server
