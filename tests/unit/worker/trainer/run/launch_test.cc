#include "worker/trainer/run/launch.h"

#include <errno.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "tests/support/scratch_folder.h"
#include "tiny_folder.h"

namespace tune::trainer {
namespace {

class LaunchTest : public testing::Test {
 protected:
  // Runs a shell script as each of two ranks; $1 is the rank.
  int Launch(const std::string& script) {
    const auto code = LaunchRanks({.dir = scratch_ / "",
                                   .command = {"/bin/sh", "-c", script},
                                   .ranks = 2,
                                   .stop = &stop_,
                                   .clock = &clock_});
    EXPECT_TRUE(code.ok()) << code.status();
    return code.value_or(-1);
  }

  std::string Events() { return ReadFile(scratch_ / "events.jsonl").value_or(""); }

  const ScratchFolder scratch_;
  SystemClock clock_;
  std::atomic<bool> stop_ = false;
};

TEST_F(LaunchTest, EndsAsItsRanks) {
  EXPECT_EQ(Launch("exit 0"), RankExit::kFinished);
  EXPECT_EQ(Launch("exit 3"), RankExit::kInterrupted);
}

TEST_F(LaunchTest, TellsOfADeathThatNoRankHasToldOf) {
  EXPECT_EQ(Launch("[ $1 = 0 ] || kill -KILL $$"), RankExit::kFailed);
  EXPECT_NE(Events().find("rank 1 was killed by signal 9 (Killed)"), std::string::npos) << Events();
  EXPECT_NE(Events().find("TrainerStopped"), std::string::npos) << "somebody's kill: " << Events();
}

TEST_F(LaunchTest, ASignalThatEndsByOrderIsSomebodysDoing) {
  for (const char* signal : {"HUP", "QUIT"}) {
    // The test may have been started with these ignored, which a shell cannot undo.
    ::signal(SIGHUP, SIG_DFL);
    ::signal(SIGQUIT, SIG_DFL);
    EXPECT_EQ(Launch(absl::StrCat("[ $1 = 0 ] || kill -", signal, " $$")), RankExit::kFailed);
    EXPECT_NE(Events().find("TrainerStopped"), std::string::npos) << signal << Events();
    EXPECT_EQ(Events().find("RankLost"), std::string::npos) << signal << Events();
    ASSERT_TRUE(RemoveAll(scratch_ / "events.jsonl").ok());
  }
}

TEST_F(LaunchTest, ARankThatCrashesIsLost) {
  EXPECT_EQ(Launch("[ $1 = 0 ] || kill -SEGV $$"), RankExit::kFailed);
  EXPECT_NE(Events().find("RankLost"), std::string::npos) << Events();
}

TEST_F(LaunchTest, BlamesMemoryOnlyOnTheKernelsWord) {
  Launch("[ $1 = 0 ] || kill -KILL $$");
  EXPECT_EQ(Events().find("memory"), std::string::npos) << Events();
}

TEST_F(LaunchTest, LeavesNoRankBehind) {
  Launch("[ $1 = 0 ] || exit 1");
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

// A rank takes SIGTERM once it can; until then, while LibTorch is loaded, the signal waits.
TEST_F(LaunchTest, ASignalDoesNotKillARankThatStarts) {
  EXPECT_EQ(Launch("kill -TERM $$; kill -INT $$; exit 3"), RankExit::kInterrupted);
  EXPECT_EQ(Events(), "");
}

}  // namespace
}  // namespace tune::trainer
