// Group commit, isolation and ownership.
#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "absl/synchronization/notification.h"
#include "tests/unit/server/store/store_fixture.h"

namespace tune::server {
namespace {

using testing::HasSubstr;

class WriterTest : public StoreTest {
 protected:
  bool IsThere(const std::string& id) { return Get(id).ok(); }
};

TEST_F(WriterTest, AFailingWriteTakesBackAllItDid) {
  const absl::Status status = store().Write([&](Transaction& t) {
    EXPECT_TRUE(t.InsertJob(NewJob("a"), "", "").ok());
    return absl::CancelledError("changed my mind");
  });
  EXPECT_EQ(status, absl::CancelledError("changed my mind"));
  EXPECT_FALSE(IsThere("a"));
}

TEST_F(WriterTest, AnExceptionIsAnErrorAndTakesBackAllItDid) {
  const absl::Status status = store().Write([&](Transaction& t) -> absl::Status {
    EXPECT_TRUE(t.InsertJob(NewJob("a"), "", "").ok());
    throw std::runtime_error("boom");
  });
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(status.message()), HasSubstr("boom"));
  EXPECT_FALSE(IsThere("a"));
  Insert(NewJob("b"));
  EXPECT_TRUE(IsThere("b"));
}

TEST_F(WriterTest, AReadSeesTheWriteThatReturned) {
  for (int i = 0; i < 20; ++i) {
    Insert(NewJob("j" + std::to_string(i)));
    EXPECT_TRUE(IsThere("j" + std::to_string(i)));
  }
}

TEST_F(WriterTest, AReadSeesOneMoment) {
  Insert(NewJob("a"));
  ASSERT_TRUE(store()
                  .Read([&](Reader& reader) {
                    EXPECT_FALSE(reader.GetJob("b").ok());
                    Insert(NewJob("b"));
                    EXPECT_FALSE(reader.GetJob("b").ok());
                    return absl::OkStatus();
                  })
                  .ok());
  EXPECT_TRUE(IsThere("b"));
}

// Writes that wait while another runs share one commit; each fails or holds for itself.
TEST_F(WriterTest, WritesThatShareACommitAreIsolated) {
  store();
  absl::Notification running, go_on;
  std::thread first([&] {
    EXPECT_TRUE(store_
                    ->Write([&](Transaction& t) {
                      running.Notify();
                      go_on.WaitForNotification();
                      return t.InsertJob(NewJob("first"), "", "").status();
                    })
                    .ok());
  });
  running.WaitForNotification();
  std::vector<std::thread> writers;
  std::atomic<int> begun = 0;
  for (int i = 0; i < 8; ++i) {
    writers.emplace_back([&, i] {
      ++begun;
      const absl::Status status = store_->Write([&, i](Transaction& t) {
        EXPECT_TRUE(t.InsertJob(NewJob("j" + std::to_string(i)), "", "").ok());
        return i % 2 == 0 ? absl::OkStatus() : absl::CancelledError(std::to_string(i));
      });
      EXPECT_EQ(status.ok(), i % 2 == 0);
      if (!status.ok()) {
        EXPECT_EQ(status.message(), std::to_string(i));
      }
      EXPECT_EQ(IsThere("j" + std::to_string(i)), i % 2 == 0);
    });
  }
  while (begun < 8) std::this_thread::yield();
  go_on.Notify();
  first.join();
  for (std::thread& writer : writers) writer.join();
  EXPECT_TRUE(IsThere("first"));
}

TEST_F(WriterTest, ASecondSchedulerShutsTheFirstOut) {
  Insert(NewJob("a"));
  const auto second = OpenStore();
  const absl::Status status =
      store().Write([&](Transaction& t) { return t.InsertJob(NewJob("b"), "", "").status(); });
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("another scheduler"));
  EXPECT_TRUE(
      second->Write([&](Transaction& t) { return t.InsertJob(NewJob("c"), "", "").status(); })
          .ok());
  EXPECT_FALSE(IsThere("b"));
  EXPECT_TRUE(IsThere("c"));
}

TEST_F(WriterTest, WhatWasWrittenIsThereAfterReopening) {
  Insert(NewJob("a"));
  store_.reset();
  EXPECT_TRUE(IsThere("a"));
}

TEST_F(WriterTest, AFullDatabaseIsResourceExhaustedAndRecovers) {
  Insert(NewJob("a"));
  store_.reset();
  // As a full disk does, SQLite refuses pages beyond the limit with SQLITE_FULL.
  auto connection = *Connection::Open(Path(), Connection::Mode::kWriter);
  const auto limit = [&](const std::string& pages) {
    Query query(*connection, "PRAGMA max_page_count = " + pages);
    query.Next();
  };
  limit("1");  // raised to the pages there are
  HotState hot;
  auto writer = *Writer::Start(std::move(connection), hot);
  Job big = NewJob("big");
  big.labels["text"] = std::string(1 << 20, 'x');
  const absl::Status status =
      writer->Write([&](Transaction& t) { return t.InsertJob(big, "", "").status(); });
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("free space"));
  EXPECT_TRUE(writer->Write([](Transaction& t) { return t.GetJob("a").status(); }).ok());
}

TEST_F(WriterTest, ReadersCannotWrite) {
  Insert(NewJob("a"));
  auto reader = *Connection::Open(Path(), Connection::Mode::kReader);
  EXPECT_EQ(reader
                ->Catch([&] {
                  reader->Exec("DELETE FROM jobs");
                  return absl::OkStatus();
                })
                .code(),
            absl::StatusCode::kPermissionDenied);
}

TEST_F(WriterTest, TheDatabaseIsDurableByItsSettings) {
  store();
  auto connection = *Connection::Open(Path(), Connection::Mode::kWriter);
  const auto pragma = [&](const std::string& name) {
    Query query(*connection, "PRAGMA " + name);
    query.Next();
    return query.Text();
  };
  EXPECT_EQ(pragma("journal_mode"), "wal");
  EXPECT_EQ(pragma("synchronous"), "2");
  EXPECT_EQ(pragma("foreign_keys"), "1");
  EXPECT_EQ(pragma("trusted_schema"), "0");
}

}  // namespace
}  // namespace tune::server
