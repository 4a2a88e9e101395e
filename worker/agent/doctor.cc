#include "worker/agent/doctor.h"

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "worker/agent/self_check.h"
#include "worker/agent/trainer_info.h"

namespace tune::worker {
namespace {

using State = DeviceFinding::State;

DeviceFinding WorkFolder(const DoctorOptions& options) {
  if (!Exists(options.work_dir)) {
    return {State::kNote, "work folder",
            absl::StrCat(options.work_dir, ": is not there yet; tune-worker makes it"), ""};
  }
  const SelfCheckOptions check{.trainer = options.trainer, .folders = {options.work_dir}};
  return FindingOf("work folder", CheckFolder(options.work_dir, check), options.work_dir);
}

DeviceFinding Trainer(const DoctorOptions& options, ProcessRunner& processes, Clock& clock) {
  const auto trainer = AskTrainer(options.trainer, processes, clock);
  return FindingOf("tune-trainer", trainer.status(),
                   trainer.ok() ? absl::StrCat(options.trainer, " ", trainer->version) : "");
}

}  // namespace

std::vector<DeviceFinding> Diagnose(const DoctorOptions& options, ProcessRunner& processes,
                                    Clock& clock) {
  std::vector<DeviceFinding> findings;
  const std::string folder = Exists(options.work_dir) ? options.work_dir : "";
  if (auto devices = AskDevices(options.trainer, folder, processes, clock); devices.ok()) {
    findings = std::move(devices->findings);
  } else {
    findings.push_back(FindingOf("devices", devices.status(), ""));
  }
  findings.push_back(WorkFolder(options));
  findings.push_back(Trainer(options, processes, clock));
  findings.push_back(FindingOf("scheduler", options.reach(), options.scheduler));
  return findings;
}

}  // namespace tune::worker
