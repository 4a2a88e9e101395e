#include "server/rpc/call.h"

#include <algorithm>

#include "base/log.h"
#include "proto/wire/identity.h"

namespace tune::server {
namespace {

bool IsOurFault(absl::StatusCode code) {
  return code == absl::StatusCode::kInternal || code == absl::StatusCode::kUnknown ||
         code == absl::StatusCode::kDataLoss || code == absl::StatusCode::kUnimplemented;
}

}  // namespace

absl::Status Overloaded() {
  return WithReason(
      absl::ResourceExhaustedError("the scheduler has too many calls waiting; try again later"),
      kOverloaded);
}

absl::Status DeadlinePassed() {
  return absl::DeadlineExceededError("the call's time was over before it was done");
}

absl::Time CallDeadline(const grpc::CallbackServerContext& context, Clock& clock,
                        absl::Duration limit) {
  // gRPC gives the far future where the client set none.
  return std::min(absl::FromChrono(context.deadline()), clock.Now() + limit);
}

Identity IdentityOf(const grpc::CallbackServerContext& context) { return {UserOf(context)}; }

grpc::Status FinalStatus(const grpc::CallbackServerContext& context, const absl::Status& status) {
  if (IsOurFault(status.code())) {
    spdlog::error("call failed peer={} status={}", context.peer(), status.ToString());
  }
  return ToGrpcStatus(status);
}

CallEvents::CallEvents(std::shared_ptr<Pump> pump, absl::Time deadline, Signal* drain) {
  if (drain != nullptr) drain_ = drain->Subscribe([pump] { pump->Drain(); });
  alarm_.Set(absl::ToChronoTime(deadline), [pump](bool reached) {
    if (reached) pump->Expire();
  });
}

absl::Status WhyEnd(const Pump& pump) {
  if (pump.cancelled()) return absl::CancelledError("the client is gone");
  if (pump.expired()) return DeadlinePassed();
  if (pump.draining()) return absl::UnavailableError("the scheduler is stopping; try again");
  return absl::OkStatus();
}

}  // namespace tune::server
