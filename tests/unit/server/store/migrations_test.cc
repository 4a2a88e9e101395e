#include "server/store/migrations.h"

#include <gmock/gmock.h>

#include "base/files.h"
#include "tests/unit/server/store/store_fixture.h"

namespace tune::server {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class Migrations : public StoreTest {
 protected:
  absl::Status OpenWith(const std::vector<Migration>& migrations) {
    return SqliteStore::Open(Path(), clock_, migrations).status();
  }
  std::vector<Migration> WithOneMore(const std::string& sql) {
    std::vector<Migration> migrations = EmbeddedMigrations();
    migrations.push_back({"9999_more.sql", sql});
    return migrations;
  }
};

TEST_F(Migrations, AreNumberedFromOneInOrder) {
  ASSERT_FALSE(EmbeddedMigrations().empty());
  for (size_t i = 0; i < EmbeddedMigrations().size(); ++i) {
    EXPECT_EQ(std::stoul(EmbeddedMigrations()[i].name.substr(0, 4)), i + 1);
  }
}

TEST_F(Migrations, AreAppliedOnce) {
  EXPECT_TRUE(OpenWith(EmbeddedMigrations()).ok());
  EXPECT_TRUE(OpenWith(EmbeddedMigrations()).ok());
  EXPECT_TRUE(OpenWith(WithOneMore("CREATE TABLE more (x)")).ok());
  EXPECT_TRUE(OpenWith(WithOneMore("CREATE TABLE more (x)")).ok());
}

TEST_F(Migrations, ANewerDatabaseIsRefusedWithWhatToDo) {
  ASSERT_TRUE(OpenWith(WithOneMore("CREATE TABLE more (x)")).ok());
  const absl::Status status = OpenWith(EmbeddedMigrations());
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("9999_more.sql"), HasSubstr("newer"), HasSubstr("--data-dir")));
}

TEST_F(Migrations, AChangedMigrationIsRefused) {
  ASSERT_TRUE(OpenWith(WithOneMore("CREATE TABLE more (x)")).ok());
  const absl::Status status = OpenWith(WithOneMore("CREATE TABLE more (x, y)"));
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("9999_more.sql"), HasSubstr("never be changed")));
}

TEST_F(Migrations, AFailingOneLeavesTheDatabaseAsItWas) {
  ASSERT_TRUE(OpenWith(EmbeddedMigrations()).ok());
  EXPECT_FALSE(OpenWith(WithOneMore("CREATE TABLE more (x); CREATE TABLE jobs (x)")).ok());
  EXPECT_TRUE(OpenWith(WithOneMore("CREATE TABLE more (x)")).ok());
}

TEST_F(Migrations, WhatIsNoDatabaseIsRefused) {
  ASSERT_TRUE(WriteFileDurably(Path(), std::string(4096, 'x')).ok());
  const absl::Status status = OpenWith(EmbeddedMigrations());
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr(Path()));
}

}  // namespace
}  // namespace tune::server
