#include "server/engine/fsck.h"

#include <gmock/gmock.h>

#include "base/files.h"
#include "server/engine/data_folder.h"
#include "tests/unit/server/engine/engine_fixture.h"

namespace tune::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class FsckTest : public EngineTest {
 protected:
  FsckTest() {
    PushInputs();
    file_ = engine().registry().GetDataset("d")->file;
    path_ = engine().blobs().Path(file_.sha256);
  }
  absl::StatusOr<FsckReport> Check(bool quick = false) {
    engine_.reset();
    return Fsck(folder_ / "data", quick, clock_);
  }

  FileEntry file_;
  std::string path_;
};

TEST_F(FsckTest, AWholeFolder) {
  const auto report = Check();
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_TRUE(report->whole());
  EXPECT_EQ(report->blobs, 6);  // five files of the model, one dataset
  EXPECT_THAT(report->orphans, IsEmpty());
}

TEST_F(FsckTest, ADamagedFileIsNamedAndSetAside) {
  std::string content = *ReadFile(path_);
  content[0] ^= 1;
  ASSERT_TRUE(WriteFileDurably(path_, content).ok());
  EXPECT_TRUE(Check(/*quick=*/true)->whole()) << "sizes do not tell";
  const auto report = Check();
  EXPECT_FALSE(report->whole());
  EXPECT_THAT(report->harmed, ElementsAre(HasSubstr("datasets/d: d.jsonl: blob " + file_.sha256)));
  EXPECT_FALSE(Exists(path_));
  EXPECT_THAT(report->set_aside, ElementsAre(folder_ / "data/quarantine/" + file_.sha256));
  EXPECT_THAT(Check(/*quick=*/true)->harmed.size(), 1u) << "it is known from now on";
}

TEST_F(FsckTest, AMissingFileAndOneCutShortAreNamedByTheirSizes) {
  ASSERT_TRUE(RemoveAll(path_).ok());
  EXPECT_THAT(Check(/*quick=*/true)->harmed, ElementsAre(HasSubstr("is not there")));
  ASSERT_TRUE(WriteFileDurably(path_, "cut").ok());
  EXPECT_THAT(Check(/*quick=*/true)->harmed, ElementsAre(HasSubstr("has 3 bytes, not")));
}

TEST_F(FsckTest, OrphansHarmNothing) {
  const FileEntry orphan = Upload("x", "orphan");
  const auto report = Check();
  EXPECT_TRUE(report->whole());
  EXPECT_THAT(report->orphans, ElementsAre(orphan.sha256));
}

TEST_F(FsckTest, AFolderInUseIsRefused) {
  EXPECT_EQ(Fsck(folder_ / "data", false, clock_).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST_F(FsckTest, NoDatabaseIsMade) {
  const absl::Status status = Fsck(folder_ / "nothing", false, clock_).status();
  EXPECT_TRUE(absl::IsNotFound(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("is its volume mounted?"));
  EXPECT_FALSE(Exists(folder_ / "nothing"));
}

TEST_F(FsckTest, SeesWhatTheStartRefuses) {
  engine_.reset();
  const std::string database = DatabasePath(folder_ / "data");
  for (const char* end : {"-wal", "-shm"}) ASSERT_TRUE(RemoveAll(database + end).ok());
  ASSERT_TRUE(Engine::Open(folder_ / "other", clock_, observer_).ok());
  ASSERT_TRUE(WriteFileDurably(database, *ReadFile(DatabasePath(folder_ / "other"))).ok());
  EXPECT_THAT(Check()->database, ElementsAre(HasSubstr("is not the database of the blobs in")));
  ASSERT_TRUE(WriteFileDurably(database, std::string(5000, 'x')).ok());
  EXPECT_FALSE(Check()->whole()) << "a file of garbage is a harmed database, not a failed look";
  ASSERT_TRUE(RemoveAll(database).ok());
  EXPECT_THAT(std::string(Check().status().message()), HasSubstr("tune.db is not there, but"));
}

}  // namespace
}  // namespace tune::server
