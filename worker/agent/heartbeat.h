// Tells the scheduler, from a thread of its own, that this worker and its leases live.
#pragma once

#include <functional>
#include <string>
#include <thread>

#include "absl/synchronization/notification.h"
#include "base/clock.h"
#include "worker/agent/control_plane.h"
#include "worker/agent/lease_table.h"
#include "worker/agent/metrics.h"
#include "worker/agent/outage.h"
#include "worker/agent/self_check.h"
#include "worker/agent/session.h"

namespace tune::worker {

class Heartbeat {
 public:
  // Each beat keeps the claim of `self_check` too. `on_fatal` is called once where this worker
  // cannot go on under its name. `work_dir` is the volume whose free space is told.
  Heartbeat(ControlPlane& control, Session& session, SelfCheck& self_check, LeaseTable& leases,
            Clock& clock, Metrics& metrics, std::string work_dir,
            std::function<void(absl::Status)> on_fatal);
  ~Heartbeat();  // stops the thread

  // Begins beating: every heartbeat interval, counted from when the last one was sent, and
  // sooner after one that failed.
  void Start();

  // One heartbeat; leases that have ended, or must yield, are stopped.
  absl::Status Beat();

 private:
  void Run();

  ControlPlane& control_;
  Session& session_;
  SelfCheck& self_check_;
  LeaseTable& leases_;
  Clock& clock_;
  Metrics& metrics_;
  const std::string work_dir_;
  const std::function<void(absl::Status)> on_fatal_;
  Outage outage_;
  absl::Notification stopped_;
  std::thread thread_;
};

}  // namespace tune::worker
