// A job that is lent to a worker for one attempt.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "run/files.h"
#include "server/core/registry.h"

namespace tune::server {

// Which lease speaks: a job, and the epoch its lease raised it to.
struct LeaseKey {
  std::string job_id;
  int64_t epoch = 0;

  bool operator==(const LeaseKey&) const = default;
};

// All a worker needs to run an attempt.
struct Lease {
  LeaseKey key;
  int32_t attempt = 0;
  std::string spec_json;  // as stored, less what the trainer lacks (core/spec_fit.h)
  std::vector<FileEntry> model_files;
  std::vector<Dataset> datasets;  // the spec's in its order, then the eval set; each once
  std::optional<Checkpoint> resume_from;
  int64_t time_limit_seconds = 0;  // left of the job's limit; 0: none set
  std::vector<int32_t> gpus;       // indices of the worker's that it may use; none: on the CPU
};

}  // namespace tune::server
