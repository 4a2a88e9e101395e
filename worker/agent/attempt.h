// One attempt of one job, from its lease to its end.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "absl/synchronization/mutex.h"
#include "base/clock.h"
#include "base/oom_kills.h"
#include "tune/v1/workers.pb.h"
#include "worker/agent/blob_cache.h"
#include "worker/agent/control_plane.h"
#include "worker/agent/found_runs.h"
#include "worker/agent/lease_table.h"
#include "worker/agent/metrics.h"
#include "worker/agent/outcome.h"
#include "worker/agent/process.h"
#include "worker/agent/reporter.h"
#include "worker/agent/self_check.h"
#include "worker/agent/stop_signal.h"
#include "worker/agent/uploader.h"

namespace tune::worker {

struct AttemptOptions {
  std::string trainer;           // path of tune-trainer
  std::string runs_dir;          // run folders are made, and removed, in it
  std::string token_cache = {};  // where trainers keep datasets as tokens; "" for nowhere
  std::string worker_lock = {};  // a file that this process holds; a trainer ends without
  absl::Duration poll_interval = absl::Milliseconds(100);
  // From the order to stop to the end of everything.
  absl::Duration drain_timeout = absl::Seconds(30);
  // From the order to yield to the trainer's end.
  absl::Duration yield_grace = absl::Minutes(5);
  BackoffOptions backoff;
  // What CUDA_VISIBLE_DEVICES must name for a run to see the worker's GPU of that number; of one
  // beyond them, its number.
  std::vector<std::string> gpus = {};
};

// What attempts share; outlives them.
struct AttemptContext {
  ControlPlane& control;
  ProcessRunner& processes;
  Clock& clock;
  Metrics& metrics;
  LeaseTable& leases;
  BlobCache& cache;
  SelfCheck& self_check;
  const AttemptOptions options;
  // Held while `cache` is used: one run is made ready, or removed, at a time.
  absl::Mutex cache_in_use = {};
  // As base/oom_kills.h tells.
  std::function<std::optional<int64_t>()> oom_kills = [] { return OomKills(); };
};

class Attempt {
 public:
  // Holds the lease in the table, and shows the run in the metrics, until destroyed.
  Attempt(AttemptContext& context, v1::Lease lease);
  // Goes on with a run whose trainer still runs: all that it told is read again from the folder,
  // and what the scheduler holds already it takes as a repetition.
  Attempt(AttemptContext& context, FoundRun run);
  ~Attempt();
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;

  // Fetches, trains, reports, and tells the scheduler how it ended, unless the lease has
  // ended. Returns the end.
  AttemptEnd Run();

 private:
  Attempt(AttemptContext& context, v1::Lease lease, std::unique_ptr<Process> found,
          absl::Duration age);

  AttemptEnd RunToEnd();
  AttemptEnd StartAndTrain();
  absl::Status Prepare();
  absl::Status PrepareOnce();
  void RemoveRun();
  absl::Status RemoveRunFolder() ABSL_EXCLUSIVE_LOCKS_REQUIRED(context_.cache_in_use);
  AttemptEnd Train(Process& trainer);
  // Stops the run where `lost`, a path in its folder, is not "".
  void NoteLost(const std::string& lost);
  void FlushReports(Reporter& reporter);
  void FlushCheckpoints(Uploader& uploader);
  bool GivenUp();
  // False where it gave up on a scheduler that is away.
  bool Tell(const AttemptEnd& end);

  AttemptContext& context_;
  const v1::Lease lease_;
  const std::string run_dir_;
  const absl::Duration started_;
  const std::unique_ptr<Process> found_;  // null where Run starts the trainer
  StopSignal stop_;
  int64_t oom_kills_before_ = 0;
  absl::Duration drain_deadline_ = absl::InfiniteDuration();
};

}  // namespace tune::worker
