#include "worker/trainer/core/find_devices.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "base/files.h"
#include "base/gib_text.h"
#include "base/status.h"

namespace tune::trainer {
namespace {

using State = DeviceFinding::State;

constexpr size_t kWriteBytes = 4 << 20;
constexpr int kWrites = 64;

DeviceFinding DriverFinding(const CudaState& state) {
  const NvidiaDriver& driver = state.driver;
  const bool too_old = driver.status.ok() && driver.cuda / 1000 < CudaOfLibTorch() / 1000;
  return FindingOf("NVIDIA driver", too_old ? state.status : driver.status,
                   absl::StrCat(driver.version, ", runs CUDA ", CudaVersionText(driver.cuda),
                                "; LibTorch needs CUDA ", CudaVersionText(CudaOfLibTorch())));
}

DeviceFinding LibraryFinding(const CudaLibrary& library) {
  if (!library.path.empty()) return {State::kOk, library.name, library.path, ""};
  return {State::kMissing, library.name, "not found", ""};
}

// What is missing is mended by one command: the last of them says so. A machine without a GPU needs
// none.
void AddLibraries(const CudaState& state, std::vector<DeviceFinding>* findings) {
  std::vector<DeviceFinding> libraries;
  for (const CudaLibrary& library : state.libraries) libraries.push_back(LibraryFinding(library));
  const auto missing = std::find_if(libraries.rbegin(), libraries.rend(), [](const auto& finding) {
    return finding.state == State::kMissing;
  });
  if (missing != libraries.rend() && absl::IsNotFound(state.driver.status)) {
    findings->push_back({State::kNote, "CUDA libraries",
                         absl::StrCat("not all are here; for a GPU, ", kInstallLibraries), ""});
    return;
  }
  if (missing != libraries.rend()) missing->mend = kInstallLibraries;
  findings->insert(findings->end(), libraries.begin(), libraries.end());
}

// LibTorch itself, where the driver and NVIDIA's libraries are there.
void AddTorch(const CudaState& state, std::vector<DeviceFinding>* findings) {
  if (absl::IsNotFound(state.driver.status) || AnyMissing(*findings)) return;
  const bool loaded = !state.architectures.empty();
  findings->push_back(
      FindingOf("LibTorch", loaded ? absl::OkStatus() : state.status,
                absl::StrCat("has code for sm_", absl::StrJoin(state.architectures, " sm_"))));
}

std::string GpuText(const NvidiaGpu& gpu) {
  return absl::StrCat(gpu.product, ", ", GibText(gpu.memory_bytes), ", sm_", gpu.capability,
                      gpu.link.empty() ? "" : ", ", gpu.link);
}

// What keeps LibTorch from every GPU is another finding, and mended there.
DeviceFinding GpuFinding(const CudaState& state, size_t i) {
  const std::string text = GpuText(state.driver.gpus[i]);
  DeviceFinding finding = FindingOf(absl::StrCat("GPU ", i), state.gpus[i], text);
  if (finding.state == State::kOk) return finding;
  const bool own_cause = !state.architectures.empty();
  finding.text = absl::StrCat(text, ": ", own_cause ? finding.text : "cannot be used, see above");
  if (!own_cause) finding.mend.clear();
  return finding;
}

DeviceFinding MemoryFinding() {
  const int64_t bytes = sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGE_SIZE);
  return {State::kOk, "host memory", GibText(bytes), ""};
}

// The driver locks pages by itself; a container may still be limited.
DeviceFinding LockedMemoryFinding() {
  rlimit limit = {};
  getrlimit(RLIMIT_MEMLOCK, &limit);
  if (limit.rlim_cur == RLIM_INFINITY) return {State::kOk, "locked memory", "without limit", ""};
  return {State::kNote, "locked memory",
          absl::StrCat(limit.rlim_cur >> 10, " KiB at most (ulimit -l)"), ""};
}

absl::Status WriteAll(int file) {
  const std::string block(kWriteBytes, 'x');
  for (int i = 0; i < kWrites; ++i) {
    if (write(file, block.data(), block.size()) != static_cast<ssize_t>(block.size())) {
      return absl::UnavailableError(strerror(errno));
    }
  }
  return fdatasync(file) == 0 ? absl::OkStatus() : absl::UnavailableError(strerror(errno));
}

// The file has no name, so that nothing is left of it however this ends (open(2), O_TMPFILE).
absl::StatusOr<double> BytesPerSecond(const std::string& folder) {
  const int file = open(folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
  if (file < 0) return absl::UnavailableError(strerror(errno));
  const absl::Time begin = absl::Now();
  const absl::Status written = WriteAll(file);
  const double seconds = absl::ToDoubleSeconds(absl::Now() - begin);
  close(file);
  RETURN_IF_ERROR(written);
  return static_cast<double>(kWriteBytes) * kWrites / seconds;
}

DeviceFinding DiskFinding(const std::string& folder) {
  const auto speed = BytesPerSecond(folder);
  const int64_t free = FreeBytes(folder).value_or(0);
  if (!speed.ok()) {
    return {State::kNote, "disk",
            absl::StrCat(folder, ": its speed cannot be told: ", speed.status().message()), ""};
  }
  return {State::kOk, "disk",
          absl::StrCat(folder, ": writes ", absl::StrFormat("%.0f MB/s, ", *speed / 1e6),
                       GibText(free), " free"),
          ""};
}

}  // namespace

DeviceReport ReportOn(const CudaState& state) {
  DeviceReport report;
  report.findings.push_back(DriverFinding(state));
  AddLibraries(state, &report.findings);
  AddTorch(state, &report.findings);
  for (size_t i = 0; i < state.gpus.size(); ++i) {
    report.findings.push_back(GpuFinding(state, i));
    const NvidiaGpu& gpu = state.driver.gpus[i];
    report.gpus.push_back(
        {gpu.product, gpu.memory_bytes, gpu.visible_as, std::string(state.gpus[i].message())});
  }
  if (absl::IsFailedPrecondition(state.status))
    report.problem = std::string(state.status.message());
  return report;
}

DeviceReport FindDevices(const std::string& folder) {
  DeviceReport report = ReportOn(Cuda());
  report.findings.push_back(MemoryFinding());
  report.findings.push_back(LockedMemoryFinding());
  if (!folder.empty()) report.findings.push_back(DiskFinding(folder));
  return report;
}

}  // namespace tune::trainer
