// Workers and the leases they hold.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "server/core/registry.h"

namespace tune::server {

struct Gpu {
  std::string product;
  int64_t memory_bytes = 0;

  bool operator==(const Gpu&) const = default;
};

struct WorkerResources {
  int32_t cpus = 0;
  int64_t host_memory_bytes = 0;
  int64_t free_disk_bytes = 0;
  std::vector<Gpu> gpus;

  bool operator==(const WorkerResources&) const = default;
};

// kUnhealthy: alive, but gets no job.
enum class WorkerState { kIdle, kBusy, kLost, kUnhealthy };

struct WorkerRecord {
  std::string id;
  std::string incarnation;  // random, new with every start of the process
  // Of its work folder, made once: two workers of one name differ in it, a restarted one does
  // not. "" for a worker that an earlier release of the scheduler registered.
  std::string installation;
  std::string owner;  // who runs it; "" where nobody is named
  WorkerResources resources;
  std::string version;
  std::string trainer_version;
  // The run spec's fields that its trainer knows, by their paths (run/spec.h).
  std::vector<std::string> spec_fields;
  absl::Time register_time = absl::InfinitePast();
  absl::Time heartbeat_time = absl::InfinitePast();  // the last one this scheduler has seen
  WorkerState state = WorkerState::kIdle;
  std::string unhealthy;             // why it gets no job; "" where it may
  std::vector<std::string> job_ids;  // it holds
};

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
