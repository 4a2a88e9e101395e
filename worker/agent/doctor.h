// `tune-worker doctor`: what this host has for a worker and what it lacks, line by line.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/clock.h"
#include "run/device_report.h"
#include "worker/agent/process.h"

namespace tune::worker {

struct DoctorOptions {
  std::string trainer;    // path of tune-trainer
  std::string work_dir;   // absolute
  std::string scheduler;  // HOST:PORT
  // Whether the scheduler answers there; an error says what to do.
  std::function<absl::Status()> reach;
};

// What the trainer finds (`tune-trainer devices`), then the work folder, the trainer and the
// scheduler. Changes nothing, so that a worker may be at work in the folder meanwhile.
std::vector<DeviceFinding> Diagnose(const DoctorOptions& options, ProcessRunner& processes,
                                    Clock& clock);

}  // namespace tune::worker
