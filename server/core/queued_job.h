// A job that waits for a worker, as placement sees it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "run/spec.h"

namespace tune::server {

struct WaitReason {
  // NoWorker, NoGpuWorker, NoWorkerWithMemory, NoWorkerWithLabels, NoWorkerOfVersion,
  // NoWorkerForFile, NoHealthyWorker, WorkersCordoned, RetryDelay, AvoidsWorker, AwaitsWorker,
  // AwaitsJobs, NoIdleWorker, InputDamaged
  std::string reason;
  std::string message;  // for people, with what to do next
};

// Paths of a run spec's fields, sorted; null for none. Many jobs and workers share one.
using FieldPaths = std::shared_ptr<const std::vector<std::string>>;

struct QueuedJob {
  std::string id;
  int64_t priority = 0;
  int64_t submit_order = 0;
  std::string owner;  // "" where nobody is named
  ResourceSpec resources;
  FieldPaths fields_set;  // what a worker's trainer must know (core/spec_fit.h), files too
  std::map<std::string, std::string> file_kinds;  // of the job, to name its datasets
  // Workers on which an attempt of it has failed.
  std::vector<std::string> avoids;
  std::vector<std::string> waits_for;  // ids of jobs; no worker gets it while there are some
  absl::Time queue_time = absl::InfinitePast();

  // Of this moment, as who asks knows them; the queue itself does not.
  bool due = true;                 // false while the delay before a retry goes on
  bool may_avoid = true;           // false once it has waited long enough for other workers
  std::optional<WaitReason> hold;  // why no worker could run it, whichever it is
};

}  // namespace tune::server
