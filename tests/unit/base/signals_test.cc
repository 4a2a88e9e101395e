#include "base/signals.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include "base/files.h"
#include "tests/support/scratch_folder.h"

namespace tune {
namespace {

TEST(SignalsTest, AFileThatMayNotGrowIsAFullDisk) {
  const ScratchFolder folder;
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small{.rlim_cur = 10, .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  IgnoreFileSizeSignal();
  const absl::Status status = WriteFileDurably(folder / "file", std::string(100, 'x'));
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  signal(SIGXFSZ, SIG_DFL);
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
}

TEST(SignalsTest, WhatAFaultRaisesIsNoOrder) {
  for (const int signal : {SIGKILL, SIGTERM, SIGINT, SIGHUP, SIGQUIT}) {
    EXPECT_TRUE(EndsByOrder(signal)) << SignalText(signal);
  }
  for (const int signal : {0, SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGXFSZ}) {
    EXPECT_FALSE(EndsByOrder(signal)) << SignalText(signal);
  }
}

}  // namespace
}  // namespace tune
