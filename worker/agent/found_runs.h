// Runs that outlived the worker that started them: noted in their folders while they run, found
// again by the worker's next process, to go on or for the checkpoints that they have left.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "tune/v1/workers.pb.h"
#include "worker/agent/process.h"

namespace tune::worker {

struct FoundRun {
  v1::Lease lease = {};
  // Not a child: its end tells no exit status. Destruction leaves it running. It may have ended.
  std::unique_ptr<Process> trainer;
  absl::Duration age;  // since the trainer started
};

// Notes in the run folder which lease it is of and which process its trainer is.
absl::Status NoteRun(const std::string& run_dir, const v1::Lease& lease, pid_t trainer);

// The runs in `runs_dir` whose trainers still run, and those that hold a complete checkpoint: it
// is not registered, or it would be gone. Removes every other folder. A trainer that works in
// another folder is none of ours: this one is a copy of its.
absl::StatusOr<std::vector<FoundRun>> FindRuns(const std::string& runs_dir);

}  // namespace tune::worker
