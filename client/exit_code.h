// What tunectl's exit code says. Stated in --help; scripts rely on it.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "tune/v1/jobs.pb.h"

namespace tune::client {

enum class ExitCode : int {
  kOk = 0,
  kError = 1,
  kUsage = 2,
  kNotFound = 3,
  kAuth = 4,
  kUnreachable = 5,
  kConflict = 6,
  kTimeout = 8,
  kRunFailed = 10,
  kRunCancelled = 11,
  kInterrupted = 130,
};

ExitCode ExitCodeOf(const absl::Status& status);

// Of a job that is over; kOk for SUCCEEDED.
ExitCode ExitCodeOf(v1::Job::State state);

// The list for --help.
std::string ExitCodeHelp();

}  // namespace tune::client
