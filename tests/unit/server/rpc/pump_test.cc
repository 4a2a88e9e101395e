#include "server/rpc/pump.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "absl/synchronization/notification.h"

namespace tune::server {
namespace {

TEST(PumpTest, APokeDuringAStepRunsItAgain) {
  absl::Notification in_first, poked;
  std::atomic<int> runs = 0;
  {
    Executor executor(2, 8);
    const auto pump = std::make_shared<Pump>(executor, [&] {
      if (++runs == 1) {
        in_first.Notify();
        poked.WaitForNotification();
      }
      return Pump::Next::kWait;
    });
    ASSERT_TRUE(pump->Start());
    in_first.WaitForNotification();
    for (int i = 0; i < 5; ++i) pump->Poke();
    poked.Notify();
  }
  EXPECT_EQ(runs, 2) << "five pokes, one more look";
}

TEST(PumpTest, NeverTwiceAtOnce) {
  std::atomic<int> inside = 0, runs = 0;
  {
    Executor executor(4, 8);
    const auto pump = std::make_shared<Pump>(executor, [&] {
      EXPECT_EQ(++inside, 1);
      ++runs;
      --inside;
      return Pump::Next::kWait;
    });
    ASSERT_TRUE(pump->Start());
    std::vector<std::jthread> pokers;
    for (int i = 0; i < 4; ++i) {
      pokers.emplace_back([pump] {
        for (int j = 0; j < 500; ++j) pump->Poke();
      });
    }
  }
  EXPECT_GE(runs, 1);
}

TEST(PumpTest, NothingRunsBeforeStartOrAfterTheEnd) {
  std::atomic<int> runs = 0;
  {
    Executor executor(1, 8);
    const auto early = std::make_shared<Pump>(executor, [&] {
      runs += 100;
      return Pump::Next::kWait;
    });
    early->Poke();
    const auto pump = std::make_shared<Pump>(executor, [&] {
      ++runs;
      return Pump::Next::kOver;
    });
    ASSERT_TRUE(pump->Start());
    while (runs == 0) std::this_thread::yield();
    pump->Poke();
    pump->Cancel();
  }
  EXPECT_EQ(runs, 1);
}

TEST(PumpTest, StartIsRefusedWhenTheExecutorIsFull) {
  absl::Notification begun, go;
  bool ran = false;
  {
    Executor executor(1, 0);
    executor.SubmitStep([&] { go.WaitForNotification(); });
    const auto pump = std::make_shared<Pump>(executor, [&] {
      ran = true;
      return Pump::Next::kWait;
    });
    EXPECT_FALSE(pump->Start());
    pump->Poke();
    go.Notify();
  }
  EXPECT_FALSE(ran);
}

TEST(PumpTest, ReasonsToEndAreTold) {
  Executor executor(1, 8);
  const auto pump = std::make_shared<Pump>(executor, [] { return Pump::Next::kWait; });
  EXPECT_FALSE(pump->cancelled() || pump->expired() || pump->draining());
  pump->Expire();
  EXPECT_TRUE(pump->expired());
  pump->Drain();
  EXPECT_TRUE(pump->draining());
  pump->Cancel();
  EXPECT_TRUE(pump->cancelled());
}

}  // namespace
}  // namespace tune::server
