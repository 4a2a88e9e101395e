// Real programs as children of a test: started, read, killed. A child dies with the
// test, so nothing is left running.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace tune::testing {

struct RunResult {
  int exit_code = -1;  // 128 + signal where a signal ended it
  std::string out;
  std::string err;
  int64_t peak_bytes = 0;  // of resident memory
};

using Environment = std::map<std::string, std::string>;

// A program in the background, its output in two files.
class Process {
 public:
  // Starts argv[0]; `output` is the path, without ending, of its .out and .err files.
  static std::unique_ptr<Process> Start(const std::vector<std::string>& argv,
                                        const std::string& output,
                                        const Environment& environment = {});
  ~Process();  // kill -9 if it still runs

  pid_t pid() const { return pid_; }
  bool Running();
  void Signal(int signal);
  // Waits for its end; 128 + SIGKILL after killing it at the timeout.
  int Wait(absl::Duration timeout);
  std::string Out() const;
  std::string Err() const;
  // The most resident memory it had; once it has ended.
  int64_t peak_bytes() const { return peak_bytes_; }

 private:
  Process(pid_t pid, std::string output) : pid_(pid), output_(std::move(output)) {}

  pid_t pid_;
  std::string output_;
  int exit_code_ = -1;
  int64_t peak_bytes_ = 0;
};

// Runs a program to its end.
RunResult RunProgram(const std::vector<std::string>& argv, const std::string& output,
                     absl::Duration timeout = absl::Minutes(10),
                     const Environment& environment = {});

// Looks every 20 ms until `done` holds; false at the timeout. For what another process
// does, which no event of ours announces.
bool WaitUntil(const std::function<bool()>& done, absl::Duration timeout);

}  // namespace tune::testing
