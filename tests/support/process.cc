#include "tests/support/process.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "absl/time/clock.h"
#include "base/files.h"

namespace tune::testing {
namespace {

std::string ReadOrEmpty(const std::string& path) { return ReadFile(path).value_or(""); }

[[noreturn]] void Exec(const std::vector<std::string>& argv, const std::string& output,
                       const Environment& environment) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int out = open((output + ".out").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  const int err = open((output + ".err").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  const int null = open("/dev/null", O_RDONLY);
  dup2(null, 0);
  dup2(out, 1);
  dup2(err, 2);
  for (const auto& [name, value] : environment) setenv(name.c_str(), value.c_str(), 1);
  std::vector<char*> args;
  for (const std::string& arg : argv) args.push_back(const_cast<char*>(arg.c_str()));
  args.push_back(nullptr);
  execv(args[0], args.data());
  _exit(127);
}

int ExitCode(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

std::unique_ptr<Process> Process::Start(const std::vector<std::string>& argv,
                                        const std::string& output, const Environment& environment) {
  const pid_t pid = fork();
  if (pid == 0) Exec(argv, output, environment);
  return std::unique_ptr<Process>(new Process(pid, output));
}

Process::~Process() {
  if (!Running()) return;
  Signal(SIGKILL);
  Wait(absl::Seconds(10));
}

bool Process::Running() {
  if (exit_code_ >= 0) return false;
  int status = 0;
  rusage usage = {};
  if (wait4(pid_, &status, WNOHANG, &usage) == pid_) {
    exit_code_ = ExitCode(status);
    peak_bytes_ = usage.ru_maxrss * 1024;
  }
  return exit_code_ < 0;
}

void Process::Signal(int signal) {
  if (Running()) kill(pid_, signal);
}

int Process::Wait(absl::Duration timeout) {
  if (!WaitUntil([&] { return !Running(); }, timeout)) {
    kill(pid_, SIGKILL);
    WaitUntil([&] { return !Running(); }, absl::Seconds(10));
  }
  return exit_code_;
}

std::string Process::Out() const { return ReadOrEmpty(output_ + ".out"); }
std::string Process::Err() const { return ReadOrEmpty(output_ + ".err"); }

RunResult RunProgram(const std::vector<std::string>& argv, const std::string& output,
                     absl::Duration timeout, const Environment& environment) {
  const auto process = Process::Start(argv, output, environment);
  RunResult result;
  result.exit_code = process->Wait(timeout);
  result.out = process->Out();
  result.err = process->Err();
  result.peak_bytes = process->peak_bytes();
  return result;
}

bool WaitUntil(const std::function<bool()>& done, absl::Duration timeout) {
  const absl::Time deadline = absl::Now() + timeout;
  while (!done()) {
    if (absl::Now() > deadline) return false;
    absl::SleepFor(absl::Milliseconds(20));
  }
  return true;
}

}  // namespace tune::testing
