// Real children: small shell scripts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/files.h"
#include "tests/support/scratch_folder.h"
#include "worker/agent/process.h"

namespace tune::worker {
namespace {

using ::testing::HasSubstr;

class ProcessTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<Process>> Start(const std::string& script) {
    return runner_.Start({.argv = {"/bin/sh", "-c", script},
                          .working_dir = folder_.path(),
                          .output_path = folder_ / "log"});
  }
  // Looks until it has ended; a test that hangs is killed by ctest.
  static ExitStatus Wait(Process& process) {
    std::optional<ExitStatus> end;
    while (!(end = process.Poll())) std::this_thread::yield();
    return *end;
  }
  // The number the script wrote into a file, once it is whole.
  pid_t AwaitPid(const std::string& file) {
    std::string text;
    while (text.empty() || text.back() != '\n') text = ReadFile(folder_ / file).value_or("");
    return std::stoi(text);
  }

  ScratchFolder folder_;
  PosixProcessRunner runner_;
};

TEST_F(ProcessTest, TellsTheExitCode) {
  auto process = Start("exit 3");
  ASSERT_TRUE(process.ok()) << process.status();
  EXPECT_EQ(Wait(**process), ExitStatus{.code = 3});
  EXPECT_EQ((*process)->Poll(), ExitStatus{.code = 3}) << "and tells it again";
}

TEST_F(ProcessTest, TellsTheSignal) {
  auto process = Start("kill -SEGV $$");
  EXPECT_EQ(Wait(**process), ExitStatus{.signal = SIGSEGV});
}

TEST_F(ProcessTest, OutputGoesToTheFileAndTheFolderIsItsOwn) {
  AppendTo(folder_ / "log", "before\n");
  auto process = Start("echo out; echo err >&2; pwd; cat");
  Wait(**process);
  EXPECT_EQ(*ReadFile(folder_ / "log"), "before\nout\nerr\n" + folder_.path() + "\n");
}

TEST_F(ProcessTest, InheritsNoDescriptorAndNoSignalMask) {
  sigset_t blocked, before;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &blocked, &before);
  FILE* secret = fopen((folder_ / "secret").c_str(), "w");  // without O_CLOEXEC
  auto process = Start("ls -l /proc/self/fd; grep SigBlk /proc/self/status");
  Wait(**process);
  fclose(secret);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  const std::string log = *ReadFile(folder_ / "log");
  EXPECT_THAT(log, Not(HasSubstr("secret")));
  EXPECT_THAT(log, HasSubstr("SigBlk:\t0000000000000000"));
}

// No shell: those let all signals through at their start.
TEST_F(ProcessTest, AStopWaitsForAProgramThatIsStartedSo) {
  for (int i = 0; i < 50; ++i) {
    auto process = runner_.Start({.argv = {"/bin/grep", "SigBlk:.*4002$", "/proc/self/status"},
                                  .working_dir = folder_.path(),
                                  .output_path = folder_ / "log",
                                  .holds_stop_signals = true});
    ASSERT_TRUE(process.ok()) << process.status();
    (*process)->Signal(i % 2 == 0 ? SIGTERM : SIGINT);
    EXPECT_EQ(Wait(**process), ExitStatus{.code = 0}) << i;
  }
}

TEST_F(ProcessTest, AProgramThatIsNotThereIsAnErrorThatNamesIt) {
  const auto process = runner_.Start(
      {.argv = {"/no/such/trainer"}, .working_dir = "/", .output_path = folder_ / "log"});
  EXPECT_TRUE(absl::IsNotFound(process.status()));
  EXPECT_THAT(std::string(process.status().message()),
              HasSubstr("/no/such/trainer: start: No such file"));
}

TEST_F(ProcessTest, SignalsReachTheWholeGroup) {
  auto process = Start("sh -c 'echo $$ > child; exec sleep 60' & wait");
  const pid_t child = AwaitPid("child");
  (*process)->Signal(SIGTERM);
  EXPECT_EQ(Wait(**process), ExitStatus{.signal = SIGTERM});
  EXPECT_NE(kill(child, 0), 0);
}

TEST_F(ProcessTest, ASettingHidesThisProcessesOwnAndTheRestIsInherited) {
  setenv("TUNE_TEST_OWN", "own", 1);
  auto process = runner_.Start({.argv = {"/bin/sh", "-c", "echo $TUNE_TEST_OWN; echo $HOME"},
                                .working_dir = folder_.path(),
                                .output_path = folder_ / "log",
                                .environment = {"TUNE_TEST_OWN=given"}});
  Wait(**process);
  unsetenv("TUNE_TEST_OWN");
  EXPECT_EQ(*ReadFile(folder_ / "log"), absl::StrCat("given\n", getenv("HOME"), "\n"));
}

TEST_F(ProcessTest, WhatATrainerLeavesBehindIsKilledAndNoZombie) {
  auto process = Start(
      "sh -c 'trap \"\" TERM HUP; echo $$ > child; exec sleep 60' & "
      "while [ ! -s child ]; do :; done; exit 0");
  const pid_t child = AwaitPid("child");
  EXPECT_EQ(Wait(**process), ExitStatus{});
  EXPECT_NE(kill(child, 0), 0);
}

TEST_F(ProcessTest, DestructionKills) {
  auto process = Start("trap '' TERM; echo $$ > self; exec sleep 60");
  const pid_t pid = AwaitPid("self");
  process->reset();
  EXPECT_NE(kill(pid, 0), 0);
}

TEST_F(ProcessTest, OutlivesTheThreadThatStartedIt) {
  std::unique_ptr<Process> process;
  std::thread([&] {
    process = *Start("echo $$ > self; exec sleep 60");
    AwaitPid("self");
  }).join();
  EXPECT_EQ(process->Poll(), std::nullopt);
  EXPECT_EQ(process->pid(), AwaitPid("self"));
  EXPECT_EQ(getsid(process->pid()), process->pid()) << "in a session of its own";
}

}  // namespace
}  // namespace tune::worker
