#include "worker/agent/lease_loop.h"

#include "base/ids.h"
#include "base/log.h"
#include "base/status.h"

namespace tune::worker {

LeaseLoop::LeaseLoop(AttemptContext& context, Session& session, LeaseLoopOptions options)
    : context_(context),
      session_(session),
      options_(options),
      request_id_(NewUuid()),
      attempts_(options.gpus) {}

void LeaseLoop::Stop() {
  stopped_.Notify();
  context_.control.StopAcquiring();
}

absl::Status LeaseLoop::Run() {
  absl::Status status = TakeJobs();
  if (!status.ok()) context_.leases.Drain();
  attempts_.AwaitAll();
  return status;
}

absl::Status LeaseLoop::TakeJobs() {
  Backoff backoff(options_.backoff);
  while (true) {
    attempts_.AwaitRoom();
    if (stopped_.HasBeenNotified()) break;
    RETURN_IF_ERROR(AwaitFitness());
    if (stopped_.HasBeenNotified()) break;
    auto response = Acquire();
    if (response.ok()) {
      backoff.Reset();
      request_id_ = NewUuid();
      if (response->has_lease()) Begin(std::move(*response->mutable_lease()));
      continue;
    }
    absl::Status status = response.status();
    if (IsUnknownWorker(status)) status = session_.RegisterAgain();
    if (absl::IsAlreadyExists(status)) return status;
    if (stopped_.HasBeenNotified()) break;
    if (!status.ok()) spdlog::debug("lease: {}", status.ToString());  // the heartbeat tells it
    stopped_.WaitForNotificationWithTimeout(backoff.Next());
  }
  return absl::OkStatus();
}

absl::Status LeaseLoop::AwaitFitness() {
  if (context_.self_check.status().ok()) return absl::OkStatus();
  Backoff backoff(options_.check_backoff);
  do {
    if (stopped_.WaitForNotificationWithTimeout(backoff.Next())) return absl::OkStatus();
  } while (!context_.self_check.Run().ok());
  // With what the trainer told: the scheduler may not have it yet.
  const absl::Status told = session_.Register();
  return IsTransient(told) ? absl::OkStatus() : told;
}

absl::StatusOr<v1::AcquireLeaseResponse> LeaseLoop::Acquire() {
  v1::AcquireLeaseRequest request;
  request.set_worker(session_.worker());
  request.set_incarnation(session_.incarnation());
  request.set_request_id(request_id_);
  request.set_wait_ms(absl::ToInt64Milliseconds(options_.wait));
  return context_.control.AcquireLease(request);
}

void LeaseLoop::Begin(v1::Lease lease) {
  const int64_t gpus = lease.gpus_size();
  attempts_.Start(gpus, [this, lease = std::move(lease)]() mutable {
    Attempt attempt(context_, std::move(lease));
    attempt.Run();
  });
}

void LeaseLoop::TakeUp(FoundRun run) {
  const int64_t gpus = run.lease.gpus_size();
  attempts_.Start(gpus, [this, run = std::move(run)]() mutable {
    Attempt attempt(context_, std::move(run));
    attempt.Run();
  });
}

}  // namespace tune::worker
