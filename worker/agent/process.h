// Child processes: started, watched, signalled as a group.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace tune::worker {

struct Command {
  std::vector<std::string> argv = {};  // argv[0] is the path of the program
  std::string working_dir = {};
  std::string output_path = {};  // takes stdout and stderr, appended
  // "NAME=VALUE"; the rest is this process's own.
  std::vector<std::string> environment = {};
  // SIGTERM and SIGINT wait until the program lets them through: however early one comes, the
  // program ends in its own way. Only for a program that does so.
  bool holds_stop_signals = false;
};

struct ExitStatus {
  int code = 0;          // of exit(); 0 where a signal ended it
  int signal = 0;        // that ended it; 0 where it exited
  bool unknown = false;  // it was no child of this process: neither is known

  bool operator==(const ExitStatus&) const = default;
};

class Process {
 public:
  // Kills what still runs of the group, and waits for all of it.
  virtual ~Process() = default;

  // Its end, once it has come. The group has gone then too: what the child left behind is killed
  // and waited for.
  virtual std::optional<ExitStatus> Poll() = 0;
  // To the whole group; no effect after the end.
  virtual void Signal(int signal) = 0;
  // Its number, which is its group's too; 0 for one that is no process of this host.
  virtual pid_t pid() const { return 0; }
};

class ProcessRunner {
 public:
  virtual ~ProcessRunner() = default;
  // The child is the leader of its own session and process group, has no file descriptors but 0,
  // 1 and 2 (stdin is empty) and no signal blocked but those that `command` says. It outlives this
  // process.
  virtual absl::StatusOr<std::unique_ptr<Process>> Start(const Command& command) = 0;
};

class PosixProcessRunner : public ProcessRunner {
 public:
  // Makes this process the one to which its children's children fall when those die, so that
  // none stays a zombie where init takes no orphans away, as in a container.
  PosixProcessRunner();

  // Errors name the program: it is not there, not executable, fork failed.
  absl::StatusOr<std::unique_ptr<Process>> Start(const Command& command) override;
};

}  // namespace tune::worker
