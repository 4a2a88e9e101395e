// Attempts, events and workers.
#include <gmock/gmock.h>

#include "tests/unit/server/store/store_fixture.h"

namespace tune::server {
namespace {

class HistoryRows : public StoreTest {
 protected:
  void Write(absl::FunctionRef<absl::Status(Transaction&)> write) {
    const absl::Status status = store().Write(write);
    ASSERT_TRUE(status.ok()) << status;
  }
};

TEST_F(HistoryRows, EventsAreNumberedWithoutGapsPerJob) {
  Insert(NewJob("a"));
  Insert(NewJob("b"));
  JobEvent training;
  training.kind = JobEvent::Kind::kTraining;
  training.time = now();
  training.attempt = 2;
  training.payload = std::string("\0\xff payload", 10);
  JobEvent change;
  change.time = now();
  change.state = JobState::kLeased;
  change.worker_id = "w";
  JobEvent checkpoint;
  checkpoint.kind = JobEvent::Kind::kCheckpoint;
  checkpoint.time = now();
  checkpoint.checkpoint = "jobs/a/checkpoints/final";
  Write([&](Transaction& transaction) {
    EXPECT_EQ(*transaction.AppendEvent("a", change), 1);
    EXPECT_EQ(*transaction.AppendEvent("a", training), 2);
    EXPECT_EQ(*transaction.AppendEvent("b", change), 1);
    EXPECT_EQ(*transaction.AppendEvent("a", checkpoint), 3);
    return absl::OkStatus();
  });
  Write([&](Transaction& reader) {
    const auto events = *reader.ListEvents("a", 0, 100);
    EXPECT_EQ(events.size(), 3u);
    EXPECT_EQ(events[0].kind, JobEvent::Kind::kStateChange);
    EXPECT_EQ(events[0].state, JobState::kLeased);
    EXPECT_EQ(events[0].worker_id, "w");
    EXPECT_EQ(events[1].payload, training.payload);
    EXPECT_EQ(events[1].attempt, 2);
    EXPECT_EQ(events[2].checkpoint, checkpoint.checkpoint);
    EXPECT_EQ(reader.ListEvents("a", 1, 1)->at(0).seq, 2);
    EXPECT_TRUE(reader.ListEvents("a", 3, 100)->empty());
    return absl::OkStatus();
  });
}

TEST_F(HistoryRows, AnEmptyPayloadIsStillATrainingEvent) {
  Insert(NewJob("a"));
  JobEvent training;
  training.kind = JobEvent::Kind::kTraining;
  training.time = now();
  Write([&](Transaction& t) { return t.AppendEvent("a", training).status(); });
}

TEST_F(HistoryRows, AnEventOfNoJobIsRefused) {
  JobEvent change;
  change.time = now();
  EXPECT_FALSE(
      store().Write([&](Transaction& t) { return t.AppendEvent("none", change).status(); }).ok());
}

TEST_F(HistoryRows, AttemptsComeBackAndChange) {
  Insert(NewJob("a"));
  Attempt attempt;
  attempt.number = 1;
  attempt.worker_id = "w";
  attempt.incarnation = "i";
  attempt.start_time = now();
  attempt.resumed_from = "jobs/a/checkpoints/step-00000001";
  attempt.request_id = "r";
  attempt.result = "Running";
  Write([&](Transaction& t) { return t.InsertAttempt("a", 4, attempt); });
  attempt.end_time = now();
  attempt.last_step = 9;
  attempt.last_report_seq = 12;
  attempt.result = "WorkerLost";
  attempt.message = "m";
  Write([&](Transaction& t) { return t.UpdateAttempt("a", attempt); });
  Write([&](Transaction& t) {
    const Attempt back = *t.GetAttempt("a", 1);
    EXPECT_EQ(back.resumed_from, attempt.resumed_from);
    EXPECT_EQ(back.end_time, now());
    EXPECT_EQ(back.last_step, 9);
    EXPECT_EQ(back.last_report_seq, 12);
    EXPECT_EQ(back.result, "WorkerLost");
    EXPECT_EQ(t.ListAttempts("a")->size(), 1u);
    EXPECT_EQ(**t.FindLease("r"), (LeaseKey{"a", 4}));
    EXPECT_FALSE(t.FindLease("")->has_value());
    EXPECT_EQ(t.GetAttempt("a", 2).status().code(), absl::StatusCode::kNotFound);
    return absl::OkStatus();
  });
  // A job's epoch is leased once.
  attempt.number = 2;
  attempt.request_id = "other";
  EXPECT_EQ(store().Write([&](Transaction& t) { return t.InsertAttempt("a", 4, attempt); }).code(),
            absl::StatusCode::kAlreadyExists);
}

TEST_F(HistoryRows, AWorkerIsReplacedByItsNewProcess) {
  WorkerRecord worker;
  worker.id = "w";
  worker.incarnation = "one";
  worker.resources = {8, 1 << 30, 2 << 20, {{"H\"200", 141}}, "GPU 1: \"old\""};
  worker.version = "0.1.0";
  worker.register_time = now();
  Write([&](Transaction& t) { return t.PutWorker(worker); });
  worker.incarnation = "two";
  Write([&](Transaction& t) { return t.PutWorker(worker); });
  Write([&](Transaction& t) {
    const auto workers = *t.ListWorkers("", 10);
    EXPECT_EQ(workers.size(), 1u);
    EXPECT_EQ(workers[0].incarnation, "two");
    EXPECT_EQ(workers[0].resources, worker.resources);
    EXPECT_TRUE(t.ListWorkers("w", 10)->empty());
    EXPECT_EQ(t.GetWorker("x").status().code(), absl::StatusCode::kNotFound);
    return absl::OkStatus();
  });
}

}  // namespace
}  // namespace tune::server
