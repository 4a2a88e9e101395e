#include "worker/agent/session.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/status.h"
#include "base/utf8.h"

namespace tune::worker {
namespace {

// Two threads may be told of the same loss; within this time it is one.
constexpr absl::Duration kSameLoss = absl::Seconds(10);
constexpr absl::Duration kTooSoon = absl::Minutes(1);
constexpr int64_t kShortestIntervalMs = 100;

}  // namespace

Session::Session(ControlPlane& control, Clock& clock, v1::RegisterWorkerRequest registration,
                 const SelfCheck& self_check)
    : control_(control),
      clock_(clock),
      registration_(std::move(registration)),
      self_check_(self_check) {}

absl::Status Session::Register() {
  v1::RegisterWorkerRequest request = registration_;
  const TrainerInfo trainer = self_check_.trainer();
  request.set_trainer_version(trainer.version);
  request.mutable_spec_fields()->Assign(trainer.spec_fields.begin(), trainer.spec_fields.end());
  request.set_unhealthy(unhealthy());
  ASSIGN_OR_RETURN(const auto response, control_.RegisterWorker(request));
  absl::MutexLock lock(&mutex_);
  registered_ = true;
  heartbeat_interval_ =
      absl::Milliseconds(std::max(response.heartbeat_interval_ms(), kShortestIntervalMs));
  return absl::OkStatus();
}

absl::Status Session::RegisterAgain() {
  {
    absl::MutexLock lock(&mutex_);
    const absl::Duration since = clock_.Monotonic() - last_again_;
    if (since < kSameLoss) return absl::OkStatus();
    if (since < kTooSoon) {
      return absl::AlreadyExistsError(absl::StrCat("another worker registers as \"",
                                                   registration_.worker_id(),
                                                   "\" too; give each its own --name"));
    }
    last_again_ = clock_.Monotonic();
  }
  spdlog::warn("the scheduler does not know this worker any more: registers again");
  const absl::Status status = Register();
  absl::MutexLock lock(&mutex_);
  if (!status.ok()) last_again_ = -absl::InfiniteDuration();
  return status;
}

void Session::Leave() {
  if (!registered()) return;
  v1::HeartbeatRequest request;
  request.set_worker(worker());
  request.set_incarnation(incarnation());
  request.set_leaving(true);
  const absl::Status status = control_.Heartbeat(request).status();
  if (!status.ok()) spdlog::warn("the scheduler was not told of the end: {}", status.ToString());
}

std::string Session::unhealthy() const {
  return ReplaceInvalidUtf8(std::string(self_check_.status().message()));
}

absl::Duration Session::heartbeat_interval() const {
  absl::MutexLock lock(&mutex_);
  return heartbeat_interval_;
}

bool Session::registered() const {
  absl::MutexLock lock(&mutex_);
  return registered_;
}

}  // namespace tune::worker
