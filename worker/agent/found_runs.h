// Runs whose trainers outlived the worker that started them: noted in their folders while they
// run, found again by the worker's next process.
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
  // Not a child: its end tells no exit status. Destruction leaves it running.
  std::unique_ptr<Process> trainer;
  absl::Duration age;  // since the trainer started
};

// Notes in the run folder which lease it is of and which process its trainer is.
absl::Status NoteRun(const std::string& run_dir, const v1::Lease& lease, pid_t trainer);

// The runs in `runs_dir` whose trainers still run. Removes every other folder.
absl::StatusOr<std::vector<FoundRun>> FindRuns(const std::string& runs_dir);

}  // namespace tune::worker
