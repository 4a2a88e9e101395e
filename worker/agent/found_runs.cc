#include "worker/agent/found_runs.h"

#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <optional>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/files.h"
#include "base/log.h"
#include "base/status.h"
#include "run/checkpoints.h"
#include "run/folder.h"
#include "worker/agent/run_inputs.h"

namespace tune::worker {
namespace {

// A process and when it started, in clock ticks since the host's start: numbers come again, the
// pair does not.
struct Mark {
  pid_t pid = 0;
  int64_t start = 0;
};

// Of a process that runs; none of a zombie. See proc(5).
std::optional<int64_t> StartOf(pid_t pid) {
  const auto stat = ReadFile(absl::StrCat("/proc/", pid, "/stat"));
  if (!stat.ok()) return std::nullopt;
  const absl::string_view after_name = absl::string_view(*stat).substr(stat->rfind(')') + 1);
  const std::vector<absl::string_view> fields =
      absl::StrSplit(after_name, ' ', absl::SkipEmpty());  // from the third, the state
  int64_t start = 0;
  if (fields.size() < 20 || fields[0] == "Z" || fields[0] == "X") return std::nullopt;
  return absl::SimpleAtoi(fields[19], &start) ? std::optional(start) : std::nullopt;
}

bool Runs(const Mark& mark) { return StartOf(mark.pid) == mark.start; }

// By device and inode, as the process may see the folder under another path.
bool WorksIn(pid_t pid, const std::string& folder) {
  struct stat works_in, wanted;
  return stat(absl::StrCat("/proc/", pid, "/cwd").c_str(), &works_in) == 0 &&
         stat(folder.c_str(), &wanted) == 0 && works_in.st_dev == wanted.st_dev &&
         works_in.st_ino == wanted.st_ino;
}

absl::Duration AgeOf(const Mark& mark) {
  timespec now = {};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return absl::DurationFromTimespec(now) -
         absl::Seconds(static_cast<double>(mark.start) / static_cast<double>(sysconf(_SC_CLK_TCK)));
}

class FoundProcess : public Process {
 public:
  explicit FoundProcess(Mark mark) : mark_(mark) {}

  std::optional<ExitStatus> Poll() override {
    if (Runs(mark_)) return std::nullopt;
    return ExitStatus{.unknown = true};
  }
  void Signal(int signal) override {
    if (Runs(mark_)) kill(-mark_.pid, signal);
  }
  pid_t pid() const override { return mark_.pid; }

 private:
  const Mark mark_;
};

std::optional<Mark> ReadMark(const std::string& run_dir) {
  const auto text = ReadFile(JoinPath(run_dir, kTrainerPidFile));
  if (!text.ok()) return std::nullopt;
  const std::vector<absl::string_view> words = absl::StrSplit(*text, ' ');
  Mark mark;
  if (words.size() != 2 || !absl::SimpleAtoi(words[0], &mark.pid) || mark.pid <= 1 ||
      !absl::SimpleAtoi(words[1], &mark.start)) {
    return std::nullopt;
  }
  return mark;
}

// The lease that the folder says it is of.
std::optional<v1::Lease> LeaseOf(const std::string& run_dir, const std::string& name) {
  const auto text = ReadFile(JoinPath(run_dir, kLeaseFile));
  v1::Lease lease;
  if (!text.ok() || !lease.ParseFromString(*text) || RunFolderName(lease) != name) {
    return std::nullopt;
  }
  return lease;
}

std::optional<FoundRun> Find(const std::string& run_dir, const std::string& name) {
  const Mark mark = ReadMark(run_dir).value_or(Mark());
  const bool runs = Runs(mark) && WorksIn(mark.pid, run_dir);
  auto lease = LeaseOf(run_dir, name);
  if (runs && !lease) FoundProcess(mark).Signal(SIGKILL);  // nobody knows whose it is
  if (!lease || (!runs && !HoldsCheckpoint(run_dir))) return std::nullopt;
  spdlog::info("{}: {} pid={}", name,
               runs ? "its trainer still runs" : "its trainer has ended and left a checkpoint",
               mark.pid);
  return FoundRun{.lease = *std::move(lease),
                  .trainer = std::make_unique<FoundProcess>(runs ? mark : Mark()),
                  .age = runs ? AgeOf(mark) : absl::ZeroDuration()};
}

}  // namespace

absl::Status NoteRun(const std::string& run_dir, const v1::Lease& lease, pid_t trainer) {
  RETURN_IF_ERROR(WriteFileDurably(JoinPath(run_dir, kLeaseFile), lease.SerializeAsString()));
  return WriteFileDurably(JoinPath(run_dir, kTrainerPidFile),
                          absl::StrCat(trainer, " ", StartOf(trainer).value_or(0)));
}

absl::StatusOr<std::vector<FoundRun>> FindRuns(const std::string& runs_dir) {
  RETURN_IF_ERROR(CreateDirectories(runs_dir));
  ASSIGN_OR_RETURN(const auto names, ListDirectory(runs_dir));
  std::vector<FoundRun> found;
  for (const std::string& name : names) {
    const std::string run_dir = JoinPath(runs_dir, name);
    if (auto run = Find(run_dir, name)) {
      found.push_back(*std::move(run));
    } else {
      RETURN_IF_ERROR(RemoveAll(run_dir));
    }
  }
  return found;
}

}  // namespace tune::worker
