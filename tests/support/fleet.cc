#include "tests/support/fleet.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>

#include <filesystem>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/files.h"

namespace tune::testing {
namespace {

std::string Tail(const std::string& text, size_t size = 3000) {
  return text.size() <= size ? text : text.substr(text.size() - size);
}

// PROGRAM with `flags`, but for those that `more_flags` gives.
std::vector<std::string> Argv(const std::string& program,
                              const std::vector<std::pair<std::string, std::string>>& flags,
                              const std::vector<std::string>& more_flags) {
  std::vector<std::string> argv = {Program(program)};
  for (const auto& [flag, value] : flags) {
    if (!absl::c_linear_search(more_flags, flag)) argv.insert(argv.end(), {flag, value});
  }
  argv.insert(argv.end(), more_flags.begin(), more_flags.end());
  return argv;
}

}  // namespace

Fleet::Fleet(std::string folder) : folder_(std::move(folder)) {}

Fleet::~Fleet() {
  workers_.clear();
  for (const pid_t trainer : Trainers()) kill(trainer, SIGKILL);
}

void Fleet::StartScheduler(const std::vector<std::string>& more_flags) {
  const std::string told = JoinPath(folder_, "scheduler/address");
  ASSERT_TRUE(CreateDirectories(JoinPath(folder_, "scheduler")).ok());
  ASSERT_TRUE(RemoveAll(told).ok());
  StartSchedulerAgain(more_flags);
  const bool ready =
      WaitUntil([&] { return Exists(told) || !scheduler_->Running(); }, absl::Seconds(20));
  ASSERT_TRUE(ready && scheduler_->Running()) << scheduler_->Err();
  address_ = std::string(absl::StripAsciiWhitespace(*ReadFile(told)));
}

void Fleet::StartSchedulerAgain(const std::vector<std::string>& more_flags) {
  const std::vector<std::string> argv = Argv("tune-scheduler",
                                             {{"--listen", address_},
                                              {"--metrics-listen", "127.0.0.1:0"},
                                              {"--data-dir", JoinPath(folder_, "scheduler")},
                                              {"--lease-ttl-ms", "4000"},
                                              {"--heartbeat-interval-ms", "500"}},
                                             more_flags);
  scheduler_ = Process::Start(argv, JoinPath(folder_, absl::StrCat("scheduler", runs_++)));
}

Process& Fleet::StartWorker(const std::string& name, const std::vector<std::string>& more_flags) {
  return StartWorkerIn(name, name, more_flags);
}

Process& Fleet::StartWorkerIn(const std::string& work_folder, const std::string& name,
                              const std::vector<std::string>& more_flags) {
  const std::vector<std::string> argv = Argv("tune-worker",
                                             {{"--scheduler", link_.empty() ? address_ : link_},
                                              {"--name", name},
                                              {"--work-dir", JoinPath(folder_, work_folder)},
                                              {"--metrics-listen", "127.0.0.1:0"}},
                                             more_flags);
  last_worker_ = work_folder;
  workers_[work_folder].reset();  // the earlier one lets go of the folder first
  workers_[work_folder] = Process::Start(argv, JoinPath(folder_, absl::StrCat("worker", runs_++)));
  return worker();
}

std::vector<pid_t> Fleet::Trainers() const {
  std::vector<pid_t> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    pid_t pid = 0;
    if (!absl::SimpleAtoi(entry.path().filename().string(), &pid)) continue;
    const std::string command = ReadFile(entry.path() / "cmdline").value_or("");
    const bool trainer = absl::StrContains(command, "tune-trainer");
    if (trainer && absl::StrContains(command, folder_ + "/")) found.push_back(pid);
  }
  return found;
}

RunResult Fleet::Ctl(const std::vector<std::string>& args, absl::Duration timeout) {
  std::vector<std::string> argv = {Program("tunectl"), "--server", address_};
  argv.insert(argv.end(), args.begin(), args.end());
  return RunProgram(argv, JoinPath(folder_, absl::StrCat("tunectl", runs_++)), timeout);
}

Json Fleet::CtlJson(std::vector<std::string> args) {
  args.insert(args.begin(), {"-o", "json"});
  const RunResult result = Ctl(args);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  const auto json = ParseJson(result.out);
  EXPECT_TRUE(json.ok()) << json.status() << "\n" << result.out;
  return json.value_or(Json());
}

RunResult Fleet::Trainer(const std::vector<std::string>& args) {
  std::vector<std::string> argv = {Program("tune-trainer")};
  argv.insert(argv.end(), args.begin(), args.end());
  return RunProgram(argv, JoinPath(folder_, absl::StrCat("trainer", runs_++)));
}

std::string Fleet::LogTails() const {
  std::string tails = absl::StrCat("scheduler:\n", scheduler_ ? Tail(scheduler_->Err()) : "-");
  for (const auto& [name, worker] : workers_) {
    absl::StrAppend(&tails, "\nworker ", name, ":\n", Tail(worker->Err()));
  }
  return tails;
}

}  // namespace tune::testing
