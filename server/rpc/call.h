// How a call is served: unary ones as one task on an executor, waiting and streaming ones
// by a Pump. Here are the limits that hold for all of them.
#pragma once

#include <grpcpp/alarm.h>
#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "proto/wire/status.h"
#include "server/core/identity.h"
#include "server/engine/signal.h"
#include "server/rpc/executor.h"
#include "server/rpc/pump.h"

namespace tune::server {

// A unary call that waited longer than this for a thread is given up.
inline constexpr absl::Duration kMaxUnaryTime = absl::Seconds(60);
// Dataset and model checks read whole files.
inline constexpr absl::Duration kMaxCheckTime = absl::Minutes(15);
// A stream ends after this, whatever its deadline; clients take it up where it ended.
inline constexpr absl::Duration kMaxStreamTime = absl::Hours(24);

// What every service needs to serve calls. All outlive the server.
struct CallRuntime {
  Executor& calls;    // quick ones: a commit or a read
  Executor& checks;   // seconds: datasets and models are parsed
  Executor& streams;  // steps of streams, with their disk reads and writes
  Signal& drain;      // fires when the server stops; what waits then ends
  Clock& clock;
};

absl::Status Overloaded();      // RESOURCE_EXHAUSTED, reason OVERLOADED
absl::Status DeadlinePassed();  // DEADLINE_EXCEEDED

// The time by which a call must be over: its deadline, `limit` from now at most.
absl::Time CallDeadline(const grpc::CallbackServerContext& context, Clock& clock,
                        absl::Duration limit);

// Who calls, as the call's metadata says (proto/wire/identity.h).
Identity IdentityOf(const grpc::CallbackServerContext& context);

// Logs what is our fault, and translates.
grpc::Status FinalStatus(const grpc::CallbackServerContext& context, const absl::Status& status);

namespace internal {

template <class Response>
absl::Status Take(absl::StatusOr<Response> result, Response* response) {
  if (!result.ok()) return result.status();
  *response = *std::move(result);
  return absl::OkStatus();
}

// Ends the call with what `work` gives, unless it is over already.
template <class Response, class Work>
void Answer(grpc::ServerUnaryReactor* reactor, Clock& clock, absl::Time deadline,
            grpc::CallbackServerContext* context, Response* response, const Work& work) {
  absl::Status status = absl::CancelledError("the client is gone");
  if (clock.Now() > deadline) {
    status = DeadlinePassed();
  } else if (!context->IsCancelled()) {
    status = Take<Response>(work(), response);
  }
  reactor->Finish(FinalStatus(*context, status));
}

}  // namespace internal

// Runs `work`, which returns StatusOr<Response>, on `executor`, and answers.
template <class Response, class Work>
grpc::ServerUnaryReactor* RunUnary(Executor& executor, Clock& clock, absl::Duration limit,
                                   grpc::CallbackServerContext* context, Response* response,
                                   Work work) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  const absl::Time deadline = CallDeadline(*context, clock, limit);
  const bool queued = executor.TrySubmit([=, &clock, work = std::move(work)] {
    internal::Answer(reactor, clock, deadline, context, response, work);
  });
  if (!queued) reactor->Finish(FinalStatus(*context, Overloaded()));
  return reactor;
}

// A quick call: a commit or a read.
template <class Response, class Work>
grpc::ServerUnaryReactor* RunCall(const CallRuntime& runtime, grpc::CallbackServerContext* context,
                                  Response* response, Work work) {
  return RunUnary(runtime.calls, runtime.clock, kMaxUnaryTime, context, response, std::move(work));
}

// A call that reads whole files.
template <class Response, class Work>
grpc::ServerUnaryReactor* RunCheck(const CallRuntime& runtime, grpc::CallbackServerContext* context,
                                   Response* response, Work work) {
  return RunUnary(runtime.checks, runtime.clock, kMaxCheckTime, context, response, std::move(work));
}

// A call that is quick where `is_quick`, which is so itself, says so, and else reads whole files.
template <class Response, class IsQuick, class Work>
grpc::ServerUnaryReactor* RunCallOrCheck(const CallRuntime& runtime,
                                         grpc::CallbackServerContext* context, Response* response,
                                         IsQuick is_quick, Work work) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  const absl::Time deadline = CallDeadline(*context, runtime.clock, kMaxCheckTime);
  Clock& clock = runtime.clock;
  Executor& checks = runtime.checks;
  const auto answer = [=, &clock, work = std::move(work)] {
    internal::Answer(reactor, clock, deadline, context, response, work);
  };
  const bool queued = runtime.calls.TrySubmit([=, &checks, is_quick = std::move(is_quick)] {
    if (is_quick()) return answer();
    if (!checks.TrySubmit(answer)) reactor->Finish(FinalStatus(*context, Overloaded()));
  });
  if (!queued) reactor->Finish(FinalStatus(*context, Overloaded()));
  return reactor;
}

// Pokes a pump at the end of a call's time and when the server drains; a member of the
// reactor, so that it ends with the call.
class CallEvents {
 public:
  // `drain`: null for calls that end by themselves.
  CallEvents(std::shared_ptr<Pump> pump, absl::Time deadline, Signal* drain);

 private:
  grpc::Alarm alarm_;
  Subscription drain_;
};

// Why a pumped call should end now; OK while it should go on.
absl::Status WhyEnd(const Pump& pump);

}  // namespace tune::server
