#include "server/rpc/lease_wait.h"

#include <algorithm>

#include "base/status.h"
#include "run/names.h"
#include "server/rpc/conversion.h"

namespace tune::server {
namespace {

// Time kept back from the caller's deadline for the answer's way home.
constexpr absl::Duration kAnswerTime = absl::Seconds(1);

absl::Time WaitUntil(const grpc::CallbackServerContext& context, Clock& clock, int64_t wait_ms) {
  const absl::Duration asked = absl::Milliseconds(std::max<int64_t>(wait_ms, 0));
  const absl::Time now = clock.Now();
  const absl::Time deadline = CallDeadline(context, clock, kMaxUnaryTime) - kAnswerTime;
  return std::max(now, std::min(now + std::min(asked, kMaxLeaseWait), deadline));
}

// "" for a name that is none, which Ask refuses.
std::string WorkerOf(const v1::AcquireLeaseRequest& request) {
  return ParseName("workers", request.worker()).value_or("");
}

}  // namespace

LeaseWait::LeaseWait(Engine& engine, const CallRuntime& runtime,
                     grpc::CallbackServerContext* context, const v1::AcquireLeaseRequest* request,
                     v1::AcquireLeaseResponse* response)
    : engine_(engine),
      context_(context),
      request_(*request),
      response_(*response),
      pump_(std::make_shared<Pump>(runtime.calls, [this] { return Step(); })),
      events_(pump_, WaitUntil(*context, runtime.clock, request->wait_ms()), &runtime.drain),
      waiter_(engine.waiters().Add(WorkerOf(*request), [pump = pump_] { pump->Poke(); })) {
  if (!pump_->Start()) End(Overloaded());
}

absl::StatusOr<std::optional<Lease>> LeaseWait::Ask() {
  ASSIGN_OR_RETURN(const std::string worker_id, ParseName("workers", request_.worker()));
  return engine_.scheduler().AcquireLease(worker_id, request_.incarnation(), request_.request_id());
}

Pump::Next LeaseWait::Step() {
  const absl::Status why = WhyEnd(*pump_);
  const bool last_look = absl::IsDeadlineExceeded(why);  // the wait is over
  if (!why.ok() && !last_look) return End(why);          // no lease for a client that is gone
  waiter_->Looks();
  const auto lease = Ask();
  if (!lease.ok()) return End(lease.status());
  *lease ? waiter_->TookJob() : waiter_->FoundNothing();
  if (*lease) *response_.mutable_lease() = ToProto(**lease);
  return *lease || last_look ? End(absl::OkStatus()) : Pump::Next::kWait;
}

Pump::Next LeaseWait::End(const absl::Status& status) {
  waiter_.reset();
  Finish(FinalStatus(*context_, status));
  return Pump::Next::kOver;
}

}  // namespace tune::server
