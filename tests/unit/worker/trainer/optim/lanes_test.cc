#include "worker/trainer/optim/lanes.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "absl/synchronization/notification.h"

namespace tune::trainer {
namespace {

TEST(ThreadedLanes, ALaneDoesItsWorkInOrder) {
  const auto lanes = ThreadedLanes(at::kCPU);
  std::vector<int> done;
  for (int i = 0; i < 100; ++i) {
    lanes->Enqueue(Lane::kHost, {}, [&done, i] { done.push_back(i); });
  }
  lanes->Await(lanes->Record(Lane::kHost));
  ASSERT_EQ(done.size(), 100u);
  EXPECT_TRUE(std::is_sorted(done.begin(), done.end()));
}

TEST(ThreadedLanes, AnotherLaneWaitsForAnEvent) {
  const auto lanes = ThreadedLanes(at::kCPU);
  absl::Notification go;
  int made = 0, seen = 0;
  lanes->Enqueue(Lane::kHost, {}, [&] {
    go.WaitForNotification();
    made = 1;
  });
  lanes->Wait(Lane::kUpload, lanes->Record(Lane::kHost));
  lanes->Enqueue(Lane::kUpload, {}, [&] { seen = made; });
  const EventPtr uploaded = lanes->Record(Lane::kUpload);
  go.Notify();
  lanes->Wait(Lane::kCompute, uploaded);
  EXPECT_EQ(seen, 1);
}

TEST(ThreadedLanes, LanesDoTheirWorkSideBySide) {
  const auto lanes = ThreadedLanes(at::kCPU);
  absl::Notification downloaded;
  lanes->Enqueue(Lane::kHost, {}, [&] { downloaded.WaitForNotification(); });
  lanes->Enqueue(Lane::kDownload, {}, [&] { downloaded.Notify(); });
  lanes->Await(lanes->Record(Lane::kHost));
  EXPECT_TRUE(downloaded.HasBeenNotified());
}

// What threw is told to the caller; what was to come after it is not done, and nobody waits for
// ever.
TEST(ThreadedLanes, AFailureReachesTheCaller) {
  const auto lanes = ThreadedLanes(at::kCPU);
  bool after = false;
  lanes->Enqueue(Lane::kDownload, {}, [] { throw std::runtime_error("no memory"); });
  lanes->Enqueue(Lane::kDownload, {}, [&] { after = true; });
  EXPECT_THROW(lanes->Await(lanes->Record(Lane::kDownload)), std::runtime_error);
  EXPECT_FALSE(after);
}

TEST(InTurn, DoesEverythingAtOnce) {
  const auto lanes = InTurn(/*apart=*/true);
  bool done = false;
  lanes->Enqueue(Lane::kUpload, {}, [&] { done = true; });
  EXPECT_TRUE(done);
  EXPECT_TRUE(lanes->apart());
}

}  // namespace
}  // namespace tune::trainer
