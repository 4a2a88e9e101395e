#include "worker/trainer/run/plan.h"

#include <ATen/DeviceAccelerator.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/files.h"
#include "base/gib_text.h"
#include "base/status.h"
#include "recipe/model/model_family.h"
#include "worker/trainer/core/device.h"
#include "worker/trainer/core/failure.h"
#include "worker/trainer/core/tensor_files.h"
#include "worker/trainer/optim/ranks.h"
#include "worker/trainer/run/training.h"

namespace tune::trainer {
namespace {

int64_t LongestExample(const Setup& setup) {
  size_t longest = 0;
  for (const LoadedDataset& dataset : setup.datasets) {
    for (const Example& example : dataset.examples) longest = std::max(longest, example.ids.size());
  }
  return static_cast<int64_t>(longest);
}

// A pass has the tokens of a micro-batch, of a longer example, or of less than that where a batch
// has no more.
int64_t PassTokens(const Setup& setup, int64_t longest) {
  const auto batch =
      static_cast<int64_t>(setup.MeanTokens() * static_cast<double>(setup.spec().batch_size) + 0.5);
  return std::max(std::min(setup.spec().micro_batch_tokens, std::max<int64_t>(batch, 1)), longest);
}

int64_t FreeDeviceBytes(const at::Device& device) {
  if (device.is_cpu()) return 0;
  return static_cast<int64_t>(at::accelerator::getMemoryInfo(device.index()).first);
}

int64_t HostBytes() { return sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE); }

int64_t ValueBytes(const Setup& setup, const at::Device& device) {
  return static_cast<int64_t>(c10::elementSize(ComputeType(setup.spec().precision, device)));
}

int64_t SavedValueBytes(const Setup& setup) {
  const std::string& precision = setup.spec().save_precision;
  return DTypeBytes(precision == "auto" ? setup.base.folder.dtype : DTypeOfPrecision(precision));
}

// The second step has what the first set up. Passes take longer for more tokens, the update does
// not.
absl::StatusOr<double> Probe(const Setup& setup, const at::Device& device, double tokens_per_step,
                             Clock* clock) {
  const auto one = OneRank();
  Training training(setup, device, *one, clock);
  double seconds = 0;
  for (int64_t step = 0; step < std::min<int64_t>(2, setup.order.total_steps()); ++step) {
    const absl::Duration begin = clock->Monotonic();
    ASSIGN_OR_RETURN(const StepResult result,
                     training.Step(step, [](const StepResult&) { return StepVerdict(); }));
    const double taken = absl::ToDoubleSeconds(clock->Monotonic() - begin);
    const double update = result.phase_seconds.at("optimizer");
    seconds = update + (taken - update) * tokens_per_step / static_cast<double>(result.tokens);
  }
  return seconds;
}

std::string Line(const std::string& name, const std::string& text) {
  return absl::StrFormat("%-12s %s\n", name, text);
}

std::string DeviceText(const RunPlan& plan) {
  const DeviceMemory& device = plan.memory.device;
  return absl::StrCat(GibText(device.total()), " of ", GibText(plan.inputs.device_bytes),
                      ": weights ", GibText(device.weights), ", gradients ",
                      GibText(device.gradients), ", masters and moments ", GibText(device.state),
                      ", a pass ", GibText(device.pass), ", left alone ", GibText(device.reserve));
}

std::string HostText(const RunPlan& plan) {
  const HostMemory& host = plan.memory.host;
  std::vector<std::string> parts;
  const auto add = [&](const char* name, int64_t bytes) {
    if (bytes > 0) parts.push_back(absl::StrCat(name, " ", GibText(bytes)));
  };
  add("weights", host.weights);
  add("gradients", host.gradients);
  add(host.weights > 0 || plan.inputs.has_device ? "masters and moments" : "weights and moments",
      host.state);
  add("a pass", host.pass);
  add("data", host.data);
  add("programs", host.programs);
  return absl::StrCat(GibText(host.total()), " of ", GibText(plan.host_bytes), ": ",
                      absl::StrJoin(parts, ", "));
}

std::string TimeText(double seconds, int64_t steps) {
  return absl::StrFormat("%.2f s a step, %s in all", seconds,
                         absl::FormatDuration(absl::Seconds(
                             static_cast<int64_t>(seconds * static_cast<double>(steps) + 0.5))));
}

}  // namespace

int64_t RunPlan::DiskNeeded() const {
  return checkpoints * memory.checkpoint_bytes + memory.final_bytes;
}

std::vector<std::string> RunPlan::Shortages() const {
  std::vector<std::string> shortages;
  if (memory.device.total() > inputs.device_bytes) {
    shortages.push_back(absl::StrCat(
        device, " has ", GibText(inputs.device_bytes), " free, ", GibText(memory.device.total()),
        " are needed; set offload to auto, or a smaller micro_batch_tokens or max_length"));
  }
  if (memory.host.total() > host_bytes) {
    shortages.push_back(absl::StrCat("this machine has ", GibText(host_bytes), " of memory, ",
                                     GibText(memory.host.total()),
                                     " are needed; use a machine with more, or a smaller model"));
  }
  if (DiskNeeded() > disk_bytes) {
    shortages.push_back(absl::StrCat("the run folder's disk has ", GibText(disk_bytes), " free, ",
                                     GibText(DiskNeeded()),
                                     " are needed; free some, or keep fewer checkpoints"));
  }
  return shortages;
}

MemoryInputs InputsOf(const Setup& setup, const at::Device& device, int64_t device_bytes) {
  MemoryInputs inputs{.config = setup.base.folder.config,
                      .value_bytes = ValueBytes(setup, device),
                      .saved_value_bytes = SavedValueBytes(setup),
                      .recompute = setup.spec().recompute,
                      .pass_tokens = PassTokens(setup, LongestExample(setup)),
                      .vocabulary = setup.base.tokenizer->size(),
                      .ranks = setup.spec().resources.RankCount(),
                      .has_device = !device.is_cpu(),
                      .device_bytes = device_bytes,
                      .offload = setup.spec().offload};
  for (const auto* datasets : {&setup.datasets, &setup.eval}) {
    for (const LoadedDataset& dataset : *datasets) {
      inputs.examples += static_cast<int64_t>(dataset.examples.size());
      inputs.data_tokens += dataset.tokens;
    }
  }
  return inputs;
}

Placement PlaceBySpec(const Setup& setup, const Parameters& parameters) {
  const at::Device& device = parameters.device();
  const FlatLayout& layout = parameters.layout();
  if (device.is_cpu() || layout.ranks() > 1) return {};
  if (setup.spec().offload == "none") return {layout.buckets(), layout.buckets()};
  const auto weights = static_cast<int64_t>(parameters.flat().nbytes());
  const MemoryInputs inputs = InputsOf(setup, device, FreeDeviceBytes(device) + weights);
  const DeviceMemory memory = PlanMemory(inputs).device;
  Placement placement =
      PlaceState(layout, inputs.device_bytes - weights - memory.pass - memory.reserve);
  if (setup.spec().offload == "host") placement.state = 0;
  return placement;
}

absl::StatusOr<RunPlan> MakePlan(const std::string& dir, bool probe, Clock* clock) {
  ASSIGN_OR_RETURN(const RunFolder run, ReadRunFolder(dir));
  ASSIGN_OR_RETURN(const auto setup, ReadSetup(dir, run));
  const RunSpec& spec = setup->spec();
  ASSIGN_OR_RETURN(const at::Device device, OpenDevice(spec.resources.device));
  ASSIGN_OR_RETURN(const int64_t disk, FreeBytes(dir));
  const MemoryInputs inputs = InputsOf(*setup, device, FreeDeviceBytes(device));
  const DataOrder& order = setup->order;
  RunPlan plan{.device = DeviceName(device),
               .inputs = inputs,
               .memory = PlanMemory(inputs),
               .target_tokens = static_cast<int64_t>(setup->EpochTargetTokens() + 0.5),
               .longest = LongestExample(*setup),
               .steps = order.total_steps(),
               .steps_per_epoch = order.steps_per_epoch(),
               .batch_size = spec.batch_size,
               .tokens_per_step = setup->MeanTokens() *
                                  static_cast<double>(order.examples_per_epoch()) /
                                  static_cast<double>(order.steps_per_epoch()),
               .host_bytes = HostBytes(),
               .disk_bytes = disk,
               .seconds_per_step = {}};
  const int64_t saved = spec.checkpoint_every == 0 ? 0 : plan.steps / spec.checkpoint_every;
  plan.checkpoints = std::min(saved, spec.keep_checkpoints + 1);
  if (!probe) return plan;
  if (inputs.ranks > 1) {
    return absl::InvalidArgumentError("--probe: tries runs of one process, this one has several");
  }
  ASSIGN_OR_RETURN(plan.seconds_per_step, Probe(*setup, device, plan.tokens_per_step, clock));
  return plan;
}

std::string PlanText(const RunPlan& plan) {
  const MemoryInputs& inputs = plan.inputs;
  std::string text = Line(
      "model", absl::StrCat(ParameterCount(inputs.config), " parameters, computed in ",
                            inputs.value_bytes == 2 ? "bf16" : "fp32", " on ", plan.device,
                            inputs.ranks > 1 ? absl::StrCat(" by ", inputs.ranks, " ranks") : ""));
  absl::StrAppend(
      &text,
      Line("data",
           absl::StrCat(inputs.examples, " examples, ", inputs.data_tokens, " tokens, the longest ",
                        plan.longest, "; ", plan.target_tokens, " learned in an epoch")),
      Line("steps", absl::StrCat(plan.steps, ", ", plan.steps_per_epoch, " an epoch; ",
                                 absl::StrFormat("%.0f", plan.tokens_per_step),
                                 " tokens each, at most ", inputs.pass_tokens, " in a pass")));
  if (inputs.has_device) absl::StrAppend(&text, Line(plan.device, DeviceText(plan)));
  absl::StrAppend(
      &text, Line("memory", HostText(plan)),
      Line("disk", absl::StrCat(GibText(plan.DiskNeeded()), " of ", GibText(plan.disk_bytes),
                                " free: ", plan.checkpoints, " checkpoints of ",
                                GibText(plan.memory.checkpoint_bytes), ", the model ",
                                GibText(plan.memory.final_bytes))));
  if (plan.seconds_per_step) {
    absl::StrAppend(&text, Line("time", TimeText(*plan.seconds_per_step, plan.steps)));
  }
  return text;
}

Json PlanJson(const RunPlan& plan) {
  const DeviceMemory& device = plan.memory.device;
  const HostMemory& host = plan.memory.host;
  Json json = {{"device", plan.device},
               {"parameters", ParameterCount(plan.inputs.config)},
               {"examples", plan.inputs.examples},
               {"tokens", plan.inputs.data_tokens},
               {"target_tokens_per_epoch", plan.target_tokens},
               {"longest_example_tokens", plan.longest},
               {"steps", plan.steps},
               {"tokens_per_step", plan.tokens_per_step},
               {"pass_tokens", plan.inputs.pass_tokens},
               {"device_bytes", device.total()},
               {"device_free_bytes", plan.inputs.device_bytes},
               {"device_state_bytes", device.state},
               {"device_gradient_bytes", device.gradients},
               {"host_bytes", host.total()},
               {"host_state_bytes", host.state},
               {"host_pass_bytes", host.pass},
               {"checkpoint_bytes", plan.memory.checkpoint_bytes},
               {"disk_bytes", plan.DiskNeeded()},
               {"shortages", plan.Shortages()}};
  if (plan.seconds_per_step) {
    json["seconds_per_step"] = *plan.seconds_per_step;
    json["seconds"] = *plan.seconds_per_step * static_cast<double>(plan.steps);
  }
  return json;
}

absl::Status PrintPlan(const std::string& dir, bool probe, bool json, Clock* clock) {
  return CatchExceptions([&]() -> absl::Status {
    ASSIGN_OR_RETURN(const RunPlan plan, MakePlan(dir, probe, clock));
    const std::string text = json ? DumpJson(PlanJson(plan)) + "\n" : PlanText(plan);
    fwrite(text.data(), 1, text.size(), stdout);
    const auto shortages = plan.Shortages();
    if (shortages.empty()) return absl::OkStatus();
    return absl::ResourceExhaustedError(
        absl::StrCat("does not fit: ", absl::StrJoin(shortages, "; ")));
  });
}

}  // namespace tune::trainer
