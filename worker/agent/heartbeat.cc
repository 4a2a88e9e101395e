#include "worker/agent/heartbeat.h"

#include <algorithm>

#include "base/files.h"
#include "base/status.h"

namespace tune::worker {
namespace {

constexpr absl::Duration kAfterFailure = absl::Seconds(1);

}  // namespace

Heartbeat::Heartbeat(ControlPlane& control, Session& session, SelfCheck& self_check,
                     LeaseTable& leases, Clock& clock, Metrics& metrics, std::string work_dir,
                     std::function<void(absl::Status)> on_fatal)
    : control_(control),
      session_(session),
      self_check_(self_check),
      leases_(leases),
      clock_(clock),
      metrics_(metrics),
      work_dir_(std::move(work_dir)),
      on_fatal_(std::move(on_fatal)),
      outage_(clock, "heartbeat") {}

Heartbeat::~Heartbeat() {
  stopped_.Notify();
  if (thread_.joinable()) thread_.join();
}

void Heartbeat::Start() {
  thread_ = std::thread([this] { Run(); });
}

absl::Status Heartbeat::Beat() {
  self_check_.KeepClaim();
  v1::HeartbeatRequest request;
  request.set_worker(session_.worker());
  request.set_incarnation(session_.incarnation());
  for (v1::LeaseKey& key : leases_.Keys()) *request.add_leases() = std::move(key);
  request.set_free_disk_bytes(FreeBytes(work_dir_).value_or(0));
  request.set_unhealthy(session_.unhealthy());
  const auto response = control_.Heartbeat(request);
  if (IsUnknownWorker(response.status())) return session_.RegisterAgain();
  RETURN_IF_ERROR(response.status());
  for (const v1::LeaseKey& key : response->ended()) leases_.Stop(key, StopCause::kLeaseEnded);
  for (const v1::LeaseKey& key : response->yielding()) leases_.Stop(key, StopCause::kYielding);
  return absl::OkStatus();
}

void Heartbeat::Run() {
  absl::Duration wait = absl::ZeroDuration();
  while (!stopped_.WaitForNotificationWithTimeout(wait)) {
    const absl::Duration sent = clock_.Monotonic();
    const absl::Status status = Beat();
    if (absl::IsAlreadyExists(status)) {
      on_fatal_(status);
      return;
    }
    if (status.ok()) {
      outage_.Over();
    } else {
      outage_.Failed(status);
      metrics_.HeartbeatFailed();
    }
    const absl::Duration interval = session_.heartbeat_interval();
    wait = std::max(
        absl::ZeroDuration(),
        sent + (status.ok() ? interval : std::min(interval, kAfterFailure)) - clock_.Monotonic());
    if (!status.ok()) wait = std::max(wait, absl::Milliseconds(100));
  }
}

}  // namespace tune::worker
