#include "server/engine/signal.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "server/engine/watch.h"

namespace tune::server {
namespace {

TEST(Signal, EverySubscriberHears) {
  Signal signal;
  int a = 0, b = 0;
  const Subscription first = signal.Subscribe([&] { ++a; });
  {
    const Subscription second = signal.Subscribe([&] { ++b; });
    signal.Notify();
    EXPECT_EQ(signal.size(), 2u);
  }
  signal.Notify();
  EXPECT_EQ(a, 2);
  EXPECT_EQ(b, 1);
  EXPECT_EQ(signal.size(), 1u);
}

TEST(Signal, ASubscriptionMayEndInsideItsCallback) {
  Signal signal;
  int heard = 0;
  Subscription subscription;
  subscription = signal.Subscribe([&] {
    ++heard;
    subscription.Reset();
  });
  signal.Notify();
  signal.Notify();
  EXPECT_EQ(heard, 1);
  EXPECT_FALSE(subscription.active());
}

TEST(Signal, ACallbackMaySubscribe) {
  Signal signal;
  Subscription inner;
  int heard = 0;
  Subscription outer = signal.Subscribe([&] { inner = signal.Subscribe([&] { ++heard; }); });
  signal.Notify();
  outer.Reset();
  EXPECT_EQ(heard, 0);
  signal.Notify();
  EXPECT_EQ(heard, 1);
}

TEST(Signal, AfterTheEndTheCallbackRunsNoMore) {
  Signal signal;
  std::atomic<bool> stop = false;
  std::thread notifier([&] {
    while (!stop) signal.Notify();
  });
  for (int i = 0; i < 200; ++i) {
    auto alive = std::make_unique<std::atomic<int>>(0);
    Subscription subscription = signal.Subscribe([&] { ++*alive; });
    subscription.Reset();
    alive.reset();  // a late callback would be seen by the sanitizers
  }
  stop = true;
  notifier.join();
}

TEST(EventHub, NewsGoToTheJobsOwnWatchers) {
  EventHub hub;
  int a = 0, b = 0;
  const auto first = hub.Subscribe("a", [&] { ++a; });
  const auto second = hub.Subscribe("b", [&] { ++b; });
  ASSERT_TRUE(first.ok() && second.ok());
  hub.Notify("a");
  hub.Notify("none");
  EXPECT_EQ(a, 1);
  EXPECT_EQ(b, 0);
}

TEST(EventHub, TheNumberOfWatchersIsBounded) {
  EventHub hub;
  std::vector<Subscription> watchers;
  for (size_t i = 0; i < EventHub::kMaxSubscriptions; ++i) {
    auto watcher = hub.Subscribe("j", [] {});
    ASSERT_TRUE(watcher.ok());
    watchers.push_back(*std::move(watcher));
  }
  EXPECT_EQ(hub.Subscribe("j", [] {}).status().code(), absl::StatusCode::kResourceExhausted);
  watchers.pop_back();
  EXPECT_TRUE(hub.Subscribe("j", [] {}).ok());
}

}  // namespace
}  // namespace tune::server
