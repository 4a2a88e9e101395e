// What of a change is undone where it is not stored.
#include "server/engine/commits.h"

#include <gtest/gtest.h>

#include "server/store/sqlite_store.h"
#include "tests/unit/server/engine/engine_fixture.h"

namespace tune::server {
namespace {

class CommitsTest : public ::testing::Test {
 protected:
  ScratchFolder folder_{ScratchFolder::Where::kMemory};
  VirtualClock clock_;
  RecordingObserver observer_;
  std::unique_ptr<SqliteStore> store_ = *SqliteStore::Open(folder_ / "tune.db", clock_);
  std::unique_ptr<BlobStore> blobs_ = *BlobStore::Open(folder_.path());
  Liveness liveness_{clock_, {}};
  Waiters waiters_;
  EventHub hub_;
  Commits commits_{*store_, *blobs_, liveness_, waiters_, hub_, observer_};
};

TEST_F(CommitsTest, RunTimeThatIsNotStoredStaysWithTheLease) {
  const LeaseKey key{"j", 1};
  liveness_.Granted(key, "w", "i");
  clock_.Advance(absl::Seconds(5));
  const auto take = [&](const absl::Status& end) {
    absl::Duration taken;
    (void)commits_.Run([&](Transaction&, Effects& effects) {
      taken = TakeRunTime(liveness_, key, effects);
      return end;
    });
    return taken;
  };
  EXPECT_EQ(take(absl::ResourceExhaustedError("the disk is full")), absl::Seconds(5));
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(take(absl::OkStatus()), absl::Seconds(6));
  EXPECT_EQ(take(absl::OkStatus()), absl::ZeroDuration());
}

}  // namespace
}  // namespace tune::server
