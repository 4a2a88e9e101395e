#include "tests/support/fleet.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>

#include <filesystem>

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

}  // namespace

std::string Program(const std::string& name) {
  const char* folder = getenv("TUNE_PROGRAMS");
  return absl::StrCat(folder == nullptr ? TUNE_BIN_DIR : folder, "/", name);
}

std::string SourceFile(const std::string& path) { return absl::StrCat(TUNE_SOURCE_DIR, "/", path); }

std::string SharedData(const std::string& path) {
  const char* root = getenv("TUNE_SHARED_DATA");
  const std::string file =
      root ? absl::StrCat(root, "/", path) : SourceFile(absl::StrCat("../shared/data/", path));
  return Exists(file) ? file : "";
}

Fleet::Fleet(std::string folder) : folder_(std::move(folder)) {}

Fleet::~Fleet() {
  workers_.clear();
  for (const pid_t trainer : Trainers()) kill(trainer, SIGKILL);
}

void Fleet::StartScheduler(const std::vector<std::string>& more_flags) {
  const std::string data = JoinPath(folder_, "scheduler");
  ASSERT_TRUE(CreateDirectories(data).ok());
  ASSERT_TRUE(RemoveAll(JoinPath(data, "address")).ok());
  std::vector<std::string> argv = {Program("tune-scheduler"),
                                   "--listen",
                                   address_,
                                   "--metrics-listen",
                                   "127.0.0.1:0",
                                   "--data-dir",
                                   data,
                                   "--lease-ttl-ms",
                                   "4000",
                                   "--heartbeat-interval-ms",
                                   "500"};
  argv.insert(argv.end(), more_flags.begin(), more_flags.end());
  scheduler_ = Process::Start(argv, JoinPath(folder_, absl::StrCat("scheduler", runs_++)));
  const bool ready =
      WaitUntil([&] { return Exists(JoinPath(data, "address")) || !scheduler_->Running(); },
                absl::Seconds(20));
  ASSERT_TRUE(ready && scheduler_->Running()) << scheduler_->Err();
  address_ = std::string(absl::StripAsciiWhitespace(*ReadFile(JoinPath(data, "address"))));
}

Process& Fleet::StartWorker(const std::string& name, const std::vector<std::string>& more_flags) {
  std::vector<std::string> argv = {
      Program("tune-worker"), "--scheduler",           address_,           "--name",     name,
      "--work-dir",           JoinPath(folder_, name), "--metrics-listen", "127.0.0.1:0"};
  argv.insert(argv.end(), more_flags.begin(), more_flags.end());
  last_worker_ = name;
  workers_[name] = Process::Start(argv, JoinPath(folder_, absl::StrCat(name, runs_++)));
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
