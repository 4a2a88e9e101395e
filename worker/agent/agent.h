// The worker put together: work folder, registration, heartbeat, lease loop.
#pragma once

#include <memory>
#include <string>

#include "absl/base/call_once.h"
#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "base/clock.h"
#include "run/labels.h"
#include "worker/agent/attempt.h"
#include "worker/agent/folder_claim.h"
#include "worker/agent/heartbeat.h"
#include "worker/agent/lease_loop.h"
#include "worker/agent/work_folder.h"

namespace tune::worker {

struct AgentOptions {
  std::string name;      // a valid worker name
  Labels labels = {};    // that jobs may ask for
  std::string work_dir;  // absolute; cache/, runs/ and lock are in it
  std::string trainer;   // path of tune-trainer
  int64_t cache_max_bytes = int64_t{200} << 30;
  absl::Duration drain_timeout = absl::Seconds(30);
  absl::Duration yield_grace = absl::Minutes(5);
  absl::Duration poll_interval = absl::Milliseconds(100);
  BackoffOptions backoff;
  LeaseLoopOptions lease_loop = {};
};

// What an agent works with; outlives it.
struct AgentParts {
  ControlPlane& control;
  ProcessRunner& processes;
  Clock& clock;
  Metrics& metrics;
};

class Agent {
 public:
  // Locks the work folder, finds the runs whose trainers outlived this worker's last process, and
  // removes all other run folders. Asks the trainer, once, which GPUs it can use: those alone are
  // this worker's, and the log says why others are not. FAILED_PRECONDITION where another worker
  // holds the folder.
  static absl::StatusOr<std::unique_ptr<Agent>> Create(const AgentParts& parts,
                                                       AgentOptions options);

  // Checks itself and registers, unfit too, trying until the scheduler is there; then works until
  // drained, whenever it is fit. An error where this worker cannot go on.
  absl::Status Run();

  // Takes no more jobs; those under way are stopped and their last checkpoints registered if
  // that can be within the drain timeout. From any thread; only the first call has an effect.
  void Drain();

  // OK once registered, while fit, and until drained. From any thread.
  absl::Status Readiness() const;

 private:
  Agent(const AgentParts& parts, AgentOptions options, std::unique_ptr<FolderClaim> claim,
        const DeviceReport& devices, v1::WorkerResources resources, std::vector<FoundRun> found);

  absl::Status Register();
  // Takes jobs until drained, beating all the while.
  absl::Status Work();
  void MakeRoom(int64_t bytes);
  void Fail(absl::Status status);

  const AgentParts parts_;
  const AgentOptions options_;
  const WorkFolder folder_;
  const std::unique_ptr<FolderClaim> claim_;
  std::vector<FoundRun> found_;  // until taken up
  LeaseTable leases_;
  BlobCache cache_;
  SelfCheck self_check_;
  AttemptContext context_;
  Session session_;
  LeaseLoop loop_;
  absl::once_flag drain_once_;
  absl::Notification draining_;
  absl::Mutex mutex_;
  absl::Status failure_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tune::worker
