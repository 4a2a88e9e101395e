#include "server/engine/blob_collector.h"

#include <gmock/gmock.h>

#include "base/files.h"
#include "tests/unit/server/engine/engine_fixture.h"

namespace tune::server {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class BlobCollectorTest : public EngineTest {
 protected:
  BlobCollectorTest() {
    PushInputs();
    used_ = engine().registry().GetDataset("d")->file;
    orphan_ = Upload("x", "orphan");
  }
  bool LiesInBlobs(const FileEntry& file) { return Exists(engine().blobs().Path(file.sha256)); }
  std::vector<std::string> Trash() { return *engine().blobs().trash().List(); }
  void SweepAfter(absl::Duration uptime) {
    clock_.Advance(uptime);
    engine().collector().Tick();
  }

  FileEntry used_, orphan_;
};

TEST_F(BlobCollectorTest, AnOrphanGoesByWayOfTheTrashWithADayBetweenEachStep) {
  engine().collector().Tick();
  SweepAfter(absl::Hours(23));
  EXPECT_TRUE(LiesInBlobs(orphan_));
  SweepAfter(absl::Hours(1));
  EXPECT_FALSE(LiesInBlobs(orphan_));
  EXPECT_THAT(Trash(), ElementsAre(orphan_.sha256));
  SweepAfter(absl::Hours(24));
  EXPECT_THAT(Trash(), ElementsAre(orphan_.sha256));
  SweepAfter(absl::Hours(24));
  EXPECT_THAT(Trash(), IsEmpty());
  EXPECT_TRUE(LiesInBlobs(used_));
}

TEST_F(BlobCollectorTest, RestartsAndAWallClockThatJumpsTakeNothingAway) {
  for (int i = 0; i < 5; ++i) {
    clock_.JumpWall(absl::Hours(24 * 365));
    Reopen();
    engine().collector().Tick();
  }
  EXPECT_TRUE(LiesInBlobs(orphan_));
}

TEST_F(BlobCollectorTest, WhatIsRegisteredBetweenTwoSweepsStays) {
  engine().collector().Tick();
  const FileEntry late = Upload("e.jsonl", "{\"prompt\": \"3\", \"response\": \"4\"}\n");
  SweepAfter(absl::Hours(24));
  ASSERT_TRUE(engine().registry().CreateDataset("e", late).ok());
  SweepAfter(absl::Hours(24));
  SweepAfter(absl::Hours(24));
  EXPECT_TRUE(LiesInBlobs(late));
}

TEST_F(BlobCollectorTest, ADeletedDatasetsContentCanComeBackFromTheTrash) {
  ASSERT_TRUE(engine().registry().DeleteDataset("d").ok());
  EXPECT_FALSE(LiesInBlobs(used_));
  EXPECT_TRUE(engine().registry().CreateDataset("d", used_).ok());
  EXPECT_TRUE(LiesInBlobs(used_));
}

TEST_F(BlobCollectorTest, ADatabaseFromABackupTakesItsBlobsBack) {
  engine_.reset();
  const std::string database = folder_ / "data/tune.db";
  const std::string backup = *ReadFile(database);
  Reopen();
  ASSERT_TRUE(engine().registry().DeleteDataset("d").ok());
  engine_.reset();
  ASSERT_TRUE(WriteFileDurably(database, backup).ok());
  Reopen();
  EXPECT_TRUE(LiesInBlobs(used_));
  EXPECT_TRUE(engine().blobs().AreGood({used_}));
}

}  // namespace
}  // namespace tune::server
