// Rows that a program or a disk has spoilt: each is shown as far as it goes, and none keeps
// the others from being read.
#include <gmock/gmock.h>

#include "server/store/sqlite_connection.h"
#include "tests/unit/server/store/store_fixture.h"

namespace tune::server {
namespace {

using testing::HasSubstr;

class UnreadableRows : public StoreTest {
 protected:
  void Spoil(const std::string& sql) {
    store();
    auto connection = Connection::Open(Path(), Connection::Mode::kWriter);
    ASSERT_TRUE(connection.ok()) << connection.status();
    (*connection)->Exec("PRAGMA ignore_check_constraints = ON");
    (*connection)->Exec(sql);
  }
  std::vector<Job> List() {
    std::vector<Job> jobs;
    const absl::Status status = store().Read([&](Reader& reader) {
      const auto read = reader.ListJobs({});
      if (read.ok()) jobs = *read;
      return read.status();
    });
    EXPECT_TRUE(status.ok()) << status;
    return jobs;
  }
  std::vector<JobEvent> Events(const std::string& job_id) {
    std::vector<JobEvent> events;
    const absl::Status status = store().Read([&](Reader& reader) {
      const auto read = reader.ListEvents(job_id, 0, 100);
      if (read.ok()) events = *read;
      return read.status();
    });
    EXPECT_TRUE(status.ok()) << status;
    return events;
  }
};

TEST_F(UnreadableRows, TextCutInsideACharacterIsRepaired) {
  Insert(NewJob("j"));
  Insert(NewJob("k"));
  Spoil("UPDATE jobs SET message = CAST(x'61C3' AS TEXT) WHERE id = 'j'");
  const std::vector<Job> jobs = List();
  ASSERT_EQ(jobs.size(), 2u);
  EXPECT_EQ(jobs[1].message, "a\uFFFD");
  EXPECT_EQ(jobs[1].unreadable, "");
}

TEST_F(UnreadableRows, ASpecThatIsNoJsonLeavesTheJobInTheList) {
  Insert(NewJob("j"));
  Insert(NewJob("k"));
  Spoil("UPDATE jobs SET spec = '{\"model\": ' WHERE id = 'j'");
  const std::vector<Job> jobs = List();
  ASSERT_EQ(jobs.size(), 2u);
  EXPECT_EQ(jobs[0].unreadable, "");
  EXPECT_EQ(jobs[1].id, "j");
  EXPECT_THAT(jobs[1].unreadable, HasSubstr("the stored spec cannot be read: line 1"));
  EXPECT_EQ(Get("j")->state, JobState::kQueued);
}

TEST_F(UnreadableRows, LabelsAndWarningsOfAnotherShapeAreToldToo) {
  Insert(NewJob("j"));
  Insert(NewJob("k"));
  Spoil("UPDATE jobs SET labels = '[1]' WHERE id = 'j'");
  Spoil("UPDATE jobs SET warnings = '{' WHERE id = 'k'");
  EXPECT_THAT(Get("j")->unreadable, HasSubstr("the stored labels cannot be read"));
  EXPECT_THAT(Get("k")->unreadable, HasSubstr("the stored warnings cannot be read"));
  EXPECT_EQ(Get("k")->spec.model, "models/m");
}

TEST_F(UnreadableRows, AnEventOfAnUnknownKindIsTold) {
  Insert(NewJob("j"));
  JobEvent event;
  event.time = now();
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(store()
                    .Write([&](Transaction& transaction) {
                      return transaction.AppendEvent("j", event).status();
                    })
                    .ok());
  }
  Spoil("UPDATE events SET kind = 'other' WHERE seq = 1");
  const std::vector<JobEvent> events = Events("j");
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].kind, JobEvent::Kind::kUnreadable);
  EXPECT_THAT(events[0].message, HasSubstr("events.kind is \"other\""));
  EXPECT_EQ(events[1].kind, JobEvent::Kind::kStateChange);
}

TEST_F(UnreadableRows, AWorkerWhoseResourcesCannotBeReadHasNone) {
  WorkerRecord worker;
  worker.id = "w";
  worker.incarnation = "i";
  worker.resources.cpus = 4;
  worker.register_time = now();
  ASSERT_TRUE(
      store().Write([&](Transaction& transaction) { return transaction.PutWorker(worker); }).ok());
  Spoil("UPDATE workers SET resources = '[]'");
  absl::StatusOr<std::vector<WorkerRecord>> workers;
  (void)store().Read([&](Reader& reader) {
    workers = reader.ListWorkers("", 10);
    return absl::OkStatus();
  });
  ASSERT_TRUE(workers.ok()) << workers.status();
  ASSERT_EQ(workers->size(), 1u);
  EXPECT_EQ(workers->front().resources.cpus, 0);
}

}  // namespace
}  // namespace tune::server
