#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "worker/agent/process.h"

namespace tune::worker {
namespace {

class PosixProcess : public Process {
 public:
  explicit PosixProcess(pid_t pid) : pid_(pid) {}

  ~PosixProcess() override {
    if (end_) return;
    kill(-pid_, SIGKILL);
    Reap(0);
  }

  std::optional<ExitStatus> Poll() override {
    if (!end_) Reap(WNOHANG);
    return end_;
  }

  void Signal(int signal) override {
    if (!end_) kill(-pid_, signal);
  }
  pid_t pid() const override { return pid_; }

 private:
  // Looks first without taking the zombie away: as long as it is there, no other group can
  // have this number, and what the child left running can be killed safely.
  void Reap(int flags) {
    siginfo_t info{};
    while (waitid(P_PID, pid_, &info, WEXITED | WNOWAIT | flags) != 0 && errno == EINTR) {
    }
    if (info.si_pid == 0) return;
    kill(-pid_, SIGKILL);
    while (waitpid(-pid_, nullptr, 0) > 0 || errno == EINTR) {  // orphans of the group are ours
    }
    end_ = info.si_code == CLD_EXITED ? ExitStatus{.code = info.si_status}
                                      : ExitStatus{.signal = info.si_status};
  }

  const pid_t pid_;
  std::optional<ExitStatus> end_;
};

// Everything the child needs, made before fork: after it, only calls that are safe in the
// copy of a process with many threads (signal-safety(7)).
struct Prepared {
  std::vector<char*> argv = {};
  std::vector<char*> envp = {};
  const char* working_dir;
  sigset_t blocked;
  int input;
  int output;
  int error_pipe;
};

void CloseInherited() {
  if (close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) == 0) return;
  for (int fd = 3; fd < 4096; ++fd) fcntl(fd, F_SETFD, FD_CLOEXEC);  // before Linux 5.11
}

[[noreturn]] void BecomeChild(const Prepared& prepared) {
  const bool ready = setsid() > 0 && sigprocmask(SIG_SETMASK, &prepared.blocked, nullptr) == 0 &&
                     signal(SIGPIPE, SIG_DFL) != SIG_ERR && signal(SIGQUIT, SIG_DFL) != SIG_ERR &&
                     dup2(prepared.input, 0) >= 0 && dup2(prepared.output, 1) >= 0 &&
                     dup2(prepared.output, 2) >= 0 && chdir(prepared.working_dir) == 0;
  if (ready) {
    CloseInherited();
    execve(prepared.argv[0], prepared.argv.data(), prepared.envp.data());
  }
  const int error = errno;
  (void)!write(prepared.error_pipe, &error, sizeof(error));
  _exit(127);
}

// Reads the child's errno; the pipe closes without one when exec succeeds.
absl::Status AwaitExec(int error_pipe, pid_t pid, const std::string& program) {
  int error = 0;
  ssize_t got;
  do {
    got = read(error_pipe, &error, sizeof(error));
  } while (got < 0 && errno == EINTR);
  if (got <= 0) return absl::OkStatus();
  while (waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  errno = error;
  return ErrnoStatus(program, "start");
}

struct Descriptor {
  ~Descriptor() {
    if (fd >= 0) close(fd);
  }
  int fd = -1;
};

absl::StatusOr<std::unique_ptr<Process>> Spawn(Prepared& prepared, const Command& command) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return ErrnoStatus(command.argv[0], "pipe");
  const Descriptor read_end{ends[0]};
  pid_t pid;
  {
    const Descriptor write_end{ends[1]};
    prepared.error_pipe = ends[1];
    pid = fork();
    if (pid == 0) BecomeChild(prepared);
    if (pid < 0) return ErrnoStatus(command.argv[0], "fork");
  }
  if (auto status = AwaitExec(read_end.fd, pid, command.argv[0]); !status.ok()) return status;
  return std::make_unique<PosixProcess>(pid);
}

void Append(const std::vector<std::string>& words, std::vector<char*>& out) {
  for (const std::string& word : words) out.push_back(const_cast<char*>(word.c_str()));
}

sigset_t BlockedIn(const Command& command) {
  sigset_t blocked;
  sigemptyset(&blocked);
  if (command.holds_stop_signals) {
    sigaddset(&blocked, SIGTERM);
    sigaddset(&blocked, SIGINT);
  }
  return blocked;
}

// Whether `settings` sets the variable of `setting`.
bool IsSet(const std::vector<std::string>& settings, absl::string_view setting) {
  const absl::string_view name = setting.substr(0, setting.find('='));
  return std::any_of(settings.begin(), settings.end(), [&](absl::string_view other) {
    return other.substr(0, other.find('=')) == name;
  });
}

}  // namespace

PosixProcessRunner::PosixProcessRunner() { prctl(PR_SET_CHILD_SUBREAPER, 1); }

absl::StatusOr<std::unique_ptr<Process>> PosixProcessRunner::Start(const Command& command) {
  const Descriptor input{open("/dev/null", O_RDONLY | O_CLOEXEC)};
  if (input.fd < 0) return ErrnoStatus("/dev/null", "open");
  const int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC;
  const Descriptor output{open(command.output_path.c_str(), flags, 0644)};
  if (output.fd < 0) return ErrnoStatus(command.output_path, "open");
  Prepared prepared{.working_dir = command.working_dir.c_str(),
                    .blocked = BlockedIn(command),
                    .input = input.fd,
                    .output = output.fd,
                    .error_pipe = -1};
  Append(command.argv, prepared.argv);
  prepared.argv.push_back(nullptr);
  Append(command.environment, prepared.envp);
  for (char** own = environ; *own != nullptr; ++own) {
    if (!IsSet(command.environment, *own)) prepared.envp.push_back(*own);
  }
  prepared.envp.push_back(nullptr);
  return Spawn(prepared, command);
}

}  // namespace tune::worker
