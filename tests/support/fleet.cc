#include "tests/support/fleet.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/files.h"

namespace tune::testing {
namespace {

std::string Tail(const std::string& text, size_t size = 3000) {
  return text.size() <= size ? text : text.substr(text.size() - size);
}

}  // namespace

std::string Program(const std::string& name) { return absl::StrCat(TUNE_BIN_DIR, "/", name); }

std::string SourceFile(const std::string& path) { return absl::StrCat(TUNE_SOURCE_DIR, "/", path); }

std::string SharedData(const std::string& path) {
  const char* root = getenv("TUNE_SHARED_DATA");
  const std::string file =
      root ? absl::StrCat(root, "/", path) : SourceFile(absl::StrCat("../shared/data/", path));
  return Exists(file) ? file : "";
}

Fleet::Fleet(std::string folder) : folder_(std::move(folder)) {}

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

void Fleet::StartWorker(const std::string& name) {
  worker_ =
      Process::Start({Program("tune-worker"), "--scheduler", address_, "--name", name, "--work-dir",
                      JoinPath(folder_, name), "--metrics-listen", "127.0.0.1:0"},
                     JoinPath(folder_, absl::StrCat(name, runs_++)));
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
  return absl::StrCat("scheduler:\n", scheduler_ ? Tail(scheduler_->Err()) : "-", "\nworker:\n",
                      worker_ ? Tail(worker_->Err()) : "-");
}

}  // namespace tune::testing
