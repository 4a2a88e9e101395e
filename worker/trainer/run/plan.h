// What a run will take, told before it runs: rows and tokens, steps, where its state will lie,
// memory and disk, and, from a few steps tried, time.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/json.h"
#include "recipe/plan/memory_plan.h"
#include "worker/trainer/core/aten.h"
#include "worker/trainer/optim/parameters.h"
#include "worker/trainer/optim/placement.h"
#include "worker/trainer/run/setup.h"

namespace tune::trainer {

struct RunPlan {
  std::string device;
  MemoryInputs inputs;
  MemoryPlan memory;
  int64_t target_tokens = 0;
  int64_t longest = 0;  // tokens of the longest example
  int64_t steps = 0;
  int64_t steps_per_epoch = 0;
  int64_t batch_size = 0;
  double tokens_per_step = 0;
  int64_t checkpoints = 0;  // that lie in the run folder at once, at most
  int64_t host_bytes = 0;   // this machine's memory
  int64_t disk_bytes = 0;   // free in the run folder
  std::optional<double> seconds_per_step;

  // On disk at once: the checkpoints kept, the one being written and the exported model.
  int64_t DiskNeeded() const;
  // What does not fit, each with its numbers and what mends it; empty where all does.
  std::vector<std::string> Shortages() const;
};

// What decides the run's memory on `device`, of which `device_bytes` are free before it begins.
MemoryInputs InputsOf(const Setup& setup, const at::Device& device, int64_t device_bytes);

// Where state goes: as spec.offload and the plan say. Once the weights are on the device.
Placement PlaceBySpec(const Setup& setup, const Parameters& parameters);

// Of the run in `dir`, on this machine. With `probe` it trains a step or two, which nothing keeps.
absl::StatusOr<RunPlan> MakePlan(const std::string& dir, bool probe, Clock* clock);

// A few aligned lines, ending with what does not fit.
std::string PlanText(const RunPlan& plan);
// The same as one object, bytes and seconds by name.
Json PlanJson(const RunPlan& plan);

// `tune-trainer plan`: prints it; an error where something does not fit.
absl::Status PrintPlan(const std::string& dir, bool probe, bool json, Clock* clock);

}  // namespace tune::trainer
