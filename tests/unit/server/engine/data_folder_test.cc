// The database and the blobs beside it: what is missing, another's, or damaged.
#include "server/engine/data_folder.h"
#include "base/files.h"

#include <gmock/gmock.h>

#include <fstream>

#include "server/store/sqlite_connection.h"
#include "tests/unit/server/engine/engine_fixture.h"

namespace tune::server {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class DataFolderTest : public EngineTest {
 protected:
  DataFolderTest() { PushInputs(); }

  std::string DataDir() const { return folder_ / "data"; }
  std::string Database() const { return DatabasePath(DataDir()); }
  absl::Status OpenAgain(OtherDatabase other = OtherDatabase::kRefuse) {
    engine_.reset();
    auto engine = Engine::Open(DataDir(), clock_, observer_, {}, other);
    if (!engine.ok()) return engine.status();
    engine_ = *std::move(engine);
    return absl::OkStatus();
  }
  // Garbage in place of the pages where the table and its indexes begin.
  void DamageTable(const std::string& table) {
    engine_.reset();
    std::vector<int64_t> pages;
    int64_t page_size = 0;
    {
      auto connection = *Connection::Open(Database(), Connection::Mode::kWriter);
      Query size(*connection, "PRAGMA page_size");
      size.Next();
      page_size = size.Int();
      Query roots(*connection, "SELECT rootpage FROM sqlite_schema WHERE tbl_name = ?");
      roots.Bind(table);
      while (roots.Next()) pages.push_back(roots.Int());
    }
    std::fstream file(Database(), std::ios::in | std::ios::out | std::ios::binary);
    for (const int64_t page : pages) {
      if (page == 0) continue;
      file.seekp((page - 1) * page_size);
      file << std::string(static_cast<size_t>(page_size), '\x5A');
    }
  }
};

TEST_F(DataFolderTest, AMissingDatabaseBesideBlobsIsRefused) {
  engine_.reset();
  ASSERT_TRUE(RemoveAll(Database()).ok());
  const absl::Status status = OpenAgain();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("tune.db is not there"), HasSubstr("right volume mounted"),
                    HasSubstr("--new")));
  EXPECT_FALSE(Exists(Database())) << "none was made";
  EXPECT_TRUE(OpenAgain(OtherDatabase::kTake).ok());
  EXPECT_TRUE(OpenAgain().ok()) << "it is theirs now";
}

TEST_F(DataFolderTest, ADatabaseWithoutItsBlobsIsRefused) {
  engine_.reset();
  const std::string blobs = DataDir() + "/blobs/sha256";
  ASSERT_TRUE(RenameDurably(blobs, folder_ / "not mounted").ok());
  const absl::Status status = OpenAgain();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("has datasets or models"), HasSubstr("holds no blob"),
                    HasSubstr("right volume mounted"), HasSubstr("--new")));
  EXPECT_TRUE(OpenAgain(OtherDatabase::kTake).ok());
}

TEST_F(DataFolderTest, AStartWithNewLeavesTheDatabaseBeforeItRight) {
  engine_.reset();
  const std::string kept = *ReadFile(Database());
  for (const char* end : {"", "-wal", "-shm"}) ASSERT_TRUE(RemoveAll(Database() + end).ok());
  ASSERT_TRUE(OpenAgain(OtherDatabase::kTake).ok());
  engine_.reset();
  for (const char* end : {"", "-wal", "-shm"}) ASSERT_TRUE(RemoveAll(Database() + end).ok());
  ASSERT_TRUE(WriteFileDurably(Database(), kept).ok());
  EXPECT_TRUE(OpenAgain().ok()) << "it was restored, as the refusal told";
  EXPECT_TRUE(engine().registry().GetModel("m").ok());
}

TEST_F(DataFolderTest, AnEmptyDatabaseFileBesideBlobsIsRefused) {
  engine_.reset();
  for (const char* end : {"", "-wal", "-shm"}) ASSERT_TRUE(RemoveAll(Database() + end).ok());
  ASSERT_TRUE(WriteFileDurably(Database(), "").ok());
  EXPECT_THAT(std::string(OpenAgain().message()), HasSubstr("tune.db is empty"));
}

TEST_F(DataFolderTest, AnotherFoldersDatabaseIsRefused) {
  engine_.reset();
  const std::string other = folder_ / "other";
  ASSERT_TRUE(Engine::Open(other, clock_, observer_).ok());
  ASSERT_TRUE(WriteFileDurably(Database(), *ReadFile(DatabasePath(other))).ok());
  EXPECT_THAT(std::string(OpenAgain().message()), HasSubstr("is not the database of the blobs in"));
  EXPECT_TRUE(OpenAgain(OtherDatabase::kTake).ok());
}

TEST_F(DataFolderTest, AFolderFromBeforeIdsWereNotedIsTaken) {
  ASSERT_TRUE(RemoveAll(JoinPath(DataDir(), "blobs/database_id")).ok());
  EXPECT_TRUE(OpenAgain().ok());
  EXPECT_TRUE(Exists(JoinPath(DataDir(), "blobs/database_id")));
}

TEST_F(DataFolderTest, AnEmptyDatabaseOfAFolderFromBeforeIsRefused) {
  ASSERT_TRUE(RemoveAll(JoinPath(DataDir(), "blobs/database_id")).ok());
  ASSERT_TRUE(engine().registry().DeleteModel("m").ok());
  ASSERT_TRUE(engine().registry().DeleteDataset("d").ok());
  Upload("x", "a blob");
  EXPECT_THAT(std::string(OpenAgain().message()), HasSubstr(": it is empty"));
}

TEST_F(DataFolderTest, AMalformedTableIsDataLossAndNeverAbsence) {
  DamageTable("models");
  ASSERT_TRUE(OpenAgain().ok());
  EXPECT_TRUE(absl::IsDataLoss(engine().submit().CreateJob(Request("j")).status()));
}

TEST_F(DataFolderTest, AfterDamageEveryCallSaysSoAndTheEngineIsNotReady) {
  DamageTable("models");
  ASSERT_TRUE(OpenAgain().ok());
  EXPECT_TRUE(engine().Ready().ok());
  EXPECT_TRUE(absl::IsDataLoss(engine().registry().GetModel("m").status()));
  EXPECT_TRUE(absl::IsDataLoss(engine().Ready()));
  EXPECT_TRUE(absl::IsDataLoss(engine().StoreDamage()));
  EXPECT_TRUE(absl::IsDataLoss(engine().queries().ListJobs({}, {}).status()));
  EXPECT_TRUE(absl::IsDataLoss(engine().queries().GetJob("none").status()));
}

TEST_F(DataFolderTest, ADamagedJobsTableIsSeenByTheProbe) {
  DamageTable("jobs");
  const absl::Status opened = OpenAgain();
  EXPECT_TRUE(absl::IsDataLoss(opened.ok() ? engine().Ready() : opened)) << opened;
}

}  // namespace
}  // namespace tune::server
