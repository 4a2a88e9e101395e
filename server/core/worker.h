// The machines that train, as the scheduler knows them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "run/labels.h"

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
  std::string unused_gpus;  // why others of its host are not among them; "" where there is none

  bool operator==(const WorkerResources&) const = default;
};

// kCordoned: gets no job because a person wants it so. kUnhealthy: alive, but gets no job.
// kUnknown: not heard of since this scheduler started.
enum class WorkerState { kIdle, kBusy, kLost, kUnhealthy, kUnknown, kCordoned };

// That a worker gets no job, by the word of a person.
struct Cordon {
  std::string user;    // who; "" where nobody was named
  std::string reason;  // for people; "" for none
  absl::Time time = absl::InfinitePast();
};

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
  // What its trainer knows: the run spec's fields by their paths, and settings
  // (run/known_settings.h).
  std::vector<std::string> spec_fields;
  Labels labels;
  absl::Time register_time = absl::InfinitePast();
  absl::Time heartbeat_time = absl::InfinitePast();  // the last one this scheduler has seen
  WorkerState state = WorkerState::kIdle;
  std::string unhealthy;  // why it gets no job; "" where it may
  std::optional<Cordon> cordon;
  std::vector<std::string> job_ids;  // it holds
};

}  // namespace tune::server
