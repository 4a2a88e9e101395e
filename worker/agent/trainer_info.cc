#include "worker/agent/trainer_info.h"

#include <sys/mman.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "base/files.h"
#include "base/json_fields.h"
#include "base/status.h"
#include "worker/agent/line_tail.h"

namespace tune::worker {
namespace {

// A cold start reads some gigabytes of libraries, perhaps over a network.
constexpr absl::Duration kTimeLimit = absl::Minutes(2);
constexpr absl::Duration kPollInterval = absl::Milliseconds(5);
constexpr size_t kMaxVersionBytes = 128;
constexpr size_t kMaxFields = 1000;
constexpr size_t kMaxFieldBytes = 256;
constexpr size_t kLogLinesInMessage = 10;
constexpr int64_t kLogBytesInMessage = 2000;

// A file in memory that has a path, so that a full disk does not count against the trainer.
class MemoryFile {
 public:
  MemoryFile() : fd_(memfd_create("tune-trainer-answer", MFD_CLOEXEC)) {}
  ~MemoryFile() {
    if (fd_ >= 0) close(fd_);
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  bool ok() const { return fd_ >= 0; }
  std::string path() const { return absl::StrCat("/proc/self/fd/", fd_); }

 private:
  const int fd_;
};

absl::StatusOr<ExitStatus> Await(Process& process, Clock& clock) {
  const absl::Duration deadline = clock.Monotonic() + kTimeLimit;
  while (true) {
    if (const auto end = process.Poll()) return *end;
    if (clock.Monotonic() >= deadline) {
      return absl::DeadlineExceededError(
          absl::StrCat("has not ended within ", absl::FormatDuration(kTimeLimit)));
    }
    absl::SleepFor(kPollInterval);
  }
}

void ReadFieldPaths(const Json& json, const FieldContext& at, TrainerInfo* info) {
  if (!CheckArray(json, kMaxFields, at)) return;
  for (const Json& path : json) {
    ReadText(path, kMaxFieldBytes, at, &info->spec_fields.emplace_back());
  }
}

Json WriteFieldPaths(const TrainerInfo& info) { return info.spec_fields; }

// A later trainer may tell more.
absl::StatusOr<TrainerInfo> Parse(const std::string& text) {
  static const std::vector<Field<TrainerInfo>> fields = {
      {"version", TextField<TrainerInfo>{&TrainerInfo::version, kMaxVersionBytes},
       /*required=*/true},
      {"spec_fields", CustomField<TrainerInfo>{ReadFieldPaths, WriteFieldPaths}, /*required=*/true},
  };
  ASSIGN_OR_RETURN(const Json json, ParseJson(text));
  TrainerInfo info;
  FieldErrors errors;
  const FieldContext at{"", &errors};
  if (CheckObject(json, at)) ReadKnownFields(fields, json, at, &info);
  RETURN_IF_ERROR(errors.ToStatus("version"));
  return info;
}

std::string EndText(const ExitStatus& end) {
  return end.signal != 0 ? absl::StrCat("was ended by signal ", end.signal)
                         : absl::StrCat("ended with exit code ", end.code);
}

absl::Status Unfit(absl::string_view what) {
  return absl::FailedPreconditionError(
      absl::StrCat(what,
                   "; install the tune-trainer of this tune-worker's "
                   "release with its libraries, or name where it is with --trainer"));
}

// What the command writes to its end, stdout and stderr; an error where that end is a bad one.
absl::StatusOr<std::string> Answer(std::vector<std::string> argv, ProcessRunner& processes,
                                   Clock& clock) {
  const std::string command = absl::StrCat(argv[0], " ", argv[1]);
  const MemoryFile output;
  if (!output.ok()) return ErrnoStatus("a file in memory", "make");
  const auto process = processes.Start({.argv = std::move(argv),
                                        .working_dir = "/",
                                        .output_path = output.path(),
                                        .environment = {kGpuOrder}});
  if (!process.ok()) return Unfit(process.status().message());
  const auto end = Await(**process, clock);
  if (!end.ok()) return Annotate(end.status(), command);
  if (*end != ExitStatus()) {
    const std::string lines = LastLines(output.path(), kLogLinesInMessage, kLogBytesInMessage);
    return Unfit(absl::StrCat(command, ": ", EndText(*end),
                              lines.empty() ? " and told nothing" : ": ", lines));
  }
  return ReadFile(output.path());
}

// Its last line: LibTorch and the driver may warn on stderr before.
absl::StatusOr<DeviceReport> ParseDevices(absl::string_view text) {
  text = absl::StripTrailingAsciiWhitespace(text);
  const size_t line = text.rfind('\n');
  ASSIGN_OR_RETURN(const Json json, ParseJson(line == text.npos ? text : text.substr(line + 1)));
  return DeviceReportFromJson(json);
}

}  // namespace

absl::StatusOr<TrainerInfo> AskTrainer(const std::string& trainer, ProcessRunner& processes,
                                       Clock& clock) {
  ASSIGN_OR_RETURN(const std::string text, Answer({trainer, "version"}, processes, clock));
  auto info = Parse(text);
  return info.ok() ? info
                   : Unfit(absl::StrCat(trainer,
                                        " version: tells no version: ", info.status().message()));
}

absl::StatusOr<DeviceReport> AskDevices(const std::string& trainer, const std::string& folder,
                                        ProcessRunner& processes, Clock& clock) {
  std::vector<std::string> argv = {trainer, "devices", "--json"};
  if (!folder.empty()) argv.insert(argv.end(), {"--folder", folder});
  ASSIGN_OR_RETURN(const std::string text, Answer(std::move(argv), processes, clock));
  auto report = ParseDevices(text);
  return report.ok() ? report
                     : Unfit(absl::StrCat(
                           trainer, " devices: tells no devices: ", report.status().message()));
}

}  // namespace tune::worker
