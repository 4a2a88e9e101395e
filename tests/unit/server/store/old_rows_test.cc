// What becomes of the rows of a database of release 0.1 (migrations 0001 and 0002) under the
// migrations since.
#include <gmock/gmock.h>

#include "base/status.h"
#include "tests/unit/server/store/store_fixture.h"

namespace tune::server {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr char kRows[] = R"sql(
INSERT INTO jobs (submit_order, id, spec, labels, warnings, priority, device, gpus,
    host_memory_bytes, state, epoch, attempts_used, worker_id, reason, message, create_time_us,
    queue_time_us, not_before_us, start_time_us, end_time_us, step, total_steps,
    final_checkpoint) VALUES
  (1, 'running', '{"model":"models/m","datasets":[{"dataset":"datasets/d"}]}', '{}', '[]', 0,
   'auto', 1, 0, 'RUNNING', 5, 3, 'w', '', '', 1000, 1000, NULL, 2000, NULL, 40, 100, NULL),
  (2, 'finished', '{"model":"models/m","datasets":[{"dataset":"datasets/d"}]}', '{"a":"b"}',
   '["old"]', 0, 'cpu', 1, 0, 'SUCCEEDED', 1, 1, 'w', '', '', 1000, 1000, NULL, 2000, 9000, 100,
   100, 'jobs/finished/checkpoints/step-100'),
  (3, 'queued', '{"model":"models/m","datasets":[{"dataset":"datasets/d"}],"priority":7}', '{}',
   '[]', 7, 'cuda', 2, 4096, 'QUEUED', 0, 0, NULL, '', '', 1000, 1000, 999999, NULL, NULL, 0, 0,
   NULL);
INSERT INTO job_inputs VALUES ('models/m', 'running'), ('models/m', 'queued');
INSERT INTO attempts (job_id, number, epoch, request_id, worker_id, incarnation, start_time_us,
    end_time_us, resumed_step, last_step, last_report_seq, result, message) VALUES
  ('running', 1, 1, 'r1', 'w', 'i', 1000, 3000, 0, 20, 4, 'WorkerLost', 'no heartbeat'),
  ('running', 2, 3, 'r2', 'w', 'i', 4000, 9000, 0, 30, 6, 'TrainerCrashed', 'signal 11'),
  ('running', 3, 5, 'r3', 'w', 'i', 9500, NULL, 30, 40, 2, 'Running', ''),
  ('finished', 1, 1, 'r4', 'w', 'i', 2000, 9000, 0, 100, 9, 'Succeeded', '');
INSERT INTO events (job_id, seq, time_us, attempt, kind, state, reason, message) VALUES
  ('running', 1, 1000, 0, 'state_change', 'QUEUED', '', '');
INSERT INTO workers VALUES ('w', 'i',
  '{"cpus":4,"host_memory_bytes":1024,"free_disk_bytes":5,"gpus":[]}', '0.1.0', 1000);
INSERT INTO datasets (id, path, size_bytes, sha256, format, rows, create_time_us) VALUES
  ('d', 'd.jsonl', 10, printf('%064d', 1), 'messages', 3, 1000);
INSERT INTO models VALUES ('m', 'qwen2', 100, 'fp32', 20, 512, 1000);
INSERT INTO model_files VALUES ('m', 'config.json', 20, printf('%064d', 2));
INSERT INTO checkpoints (register_order, job_id, id, step, final, size_bytes, digest, parent,
    create_time_us) VALUES
  (1, 'finished', 'step-100', 100, 1, 30, printf('%064d', 3), 'models/m', 9000);
INSERT INTO checkpoint_files VALUES (1, 'model.safetensors', 30, printf('%064d', 4));
)sql";

class OldRows : public StoreTest {
 protected:
  void SetUp() override {
    const std::vector<Migration> first(EmbeddedMigrations().begin(),
                                       EmbeddedMigrations().begin() + 2);
    auto old = Connection::Open(Path(), Connection::Mode::kWriter);
    ASSERT_TRUE(old.ok()) << old.status();
    ASSERT_TRUE(ApplyMigrations(**old, first, now()).ok());
    const absl::Status filled = (*old)->Catch([&] {
      (*old)->Exec(kRows);
      return absl::OkStatus();
    });
    ASSERT_TRUE(filled.ok()) << filled;
  }

  // What `read` says of the migrated database.
  template <class T>
  T Read(const std::function<absl::StatusOr<T>(Reader&)>& read) {
    absl::StatusOr<T> result;
    (void)store().Read([&](Reader& reader) {
      result = read(reader);
      return absl::OkStatus();
    });
    EXPECT_TRUE(result.ok()) << result.status();
    return result.ok() ? *std::move(result) : T();
  }
};

TEST_F(OldRows, ARunningJobKeepsItsLeaseAndIsGivenBackWhatWasNotItsFault) {
  const Job job = *Get("running");
  EXPECT_EQ(job.state, JobState::kRunning);
  EXPECT_EQ(job.epoch, 5);
  EXPECT_EQ(job.attempt, 3);
  EXPECT_EQ(job.worker_id, "w");
  EXPECT_EQ(job.budget.retries_used, 1) << "the crash, not the lost worker";
  EXPECT_EQ(job.budget.disruptions, 0);
  EXPECT_EQ(job.furthest_step, 30);
  EXPECT_EQ(job.run_time, absl::Microseconds(7000));
  EXPECT_THAT(job.avoids, IsEmpty());
  EXPECT_EQ(job.owner, "");
  const auto attempts =
      Read<std::vector<Attempt>>([](Reader& r) { return r.ListAttempts("running"); });
  ASSERT_EQ(attempts.size(), 3u);
  EXPECT_EQ(attempts[2].last_report_seq, 2);
  const auto lease = Read<std::optional<LeaseKey>>([](Reader& r) { return r.FindLease("r3"); });
  EXPECT_EQ(lease, (LeaseKey{"running", 5}));
  EXPECT_EQ(
      Read<std::vector<JobEvent>>([](Reader& r) { return r.ListEvents("running", 0, 10); }).size(),
      1u);
}

TEST_F(OldRows, AFinishedJobStaysWhatItWas) {
  const Job job = *Get("finished");
  EXPECT_EQ(job.state, JobState::kSucceeded);
  EXPECT_EQ(job.final_checkpoint, "jobs/finished/checkpoints/step-100");
  EXPECT_EQ(job.budget.retries_used, 0);
  EXPECT_EQ(job.run_time, absl::Microseconds(7000));
  EXPECT_THAT(job.warnings, ElementsAre("old"));
  const auto checkpoint =
      Read<Checkpoint>([](Reader& r) { return r.GetCheckpoint("finished", "step-100"); });
  ASSERT_EQ(checkpoint.files.size(), 1u);
  EXPECT_EQ(checkpoint.files[0].path, "model.safetensors");
}

TEST_F(OldRows, AQueuedJobWaitsWithTheFieldsThatItsSpecSets) {
  store().hot().Read([](const JobQueue& queue, const Fleet&) {
    ASSERT_EQ(queue.size(), 1u);
    const QueuedJob& job = *queue.Find("queued");
    EXPECT_EQ(job.priority, 7);
    EXPECT_EQ(job.resources.gpus, 2);
    ASSERT_NE(job.fields_set, nullptr);
    EXPECT_THAT(*job.fields_set,
                ElementsAre("datasets", "datasets[].dataset", "model", "priority"));
  });
  EXPECT_EQ(Get("queued")->retry_delay, absl::ZeroDuration()) << "no wall clock decides";
}

// The jobs' table has been replaced since (0010).
TEST_F(OldRows, NothingLosesItsJobAndNoNumberIsGivenTwice) {
  EXPECT_EQ(Insert(NewJob("new")).submit_order, 4);
  auto connection = Connection::Open(Path(), Connection::Mode::kReader);
  ASSERT_TRUE(connection.ok());
  const absl::Status whole = (*connection)->Catch([&]() -> absl::Status {
    Query orphans(**connection, "PRAGMA foreign_key_check");
    return orphans.Next() ? absl::DataLossError("a row without its job") : absl::OkStatus();
  });
  EXPECT_TRUE(whole.ok()) << whole;
  EXPECT_EQ(Read<std::optional<std::string>>([](Reader& r) { return r.FindUser("models/m"); }),
            "running");
}

TEST_F(OldRows, AWorkerMustTellAnewWhatItsTrainerKnows) {
  const auto worker = Read<WorkerRecord>([](Reader& r) { return r.GetWorker("w"); });
  EXPECT_EQ(worker.incarnation, "i");
  EXPECT_EQ(worker.installation, "");
  EXPECT_EQ(worker.resources.cpus, 4);
  EXPECT_EQ(worker.resources.unused_gpus, "");
  EXPECT_THAT(worker.spec_fields, IsEmpty());
}

TEST_F(OldRows, BlobsKeepTheirUsers) {
  const auto user = [&](int digit) {
    const std::string sha256 = std::string(63, '0') + std::to_string(digit);
    const auto users =
        Read<std::vector<BlobUser>>([&](Reader& r) { return r.FindBlobUsers(sha256); });
    return users.size() == 1 ? users[0].resource + "/" + users[0].path : "";
  };
  EXPECT_EQ(user(1), "datasets/d/d.jsonl");
  EXPECT_EQ(user(2), "models/m/config.json");
  EXPECT_EQ(user(4), "jobs/finished/checkpoints/step-100/model.safetensors");
  EXPECT_EQ(Read<Dataset>([](Reader& r) { return r.GetDataset("d"); }).bad_rows, 0);
}

}  // namespace
}  // namespace tune::server
