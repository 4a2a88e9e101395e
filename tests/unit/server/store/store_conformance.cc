#include "tests/unit/server/store/store_conformance.h"

#include <gmock/gmock.h>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/sha256.h"
#include "base/status.h"

namespace tune::server {

using testing::ElementsAre;
using testing::IsEmpty;

StoreConformance::StoreConformance() { Reopen(); }

void StoreConformance::Reopen() {
  store_.reset();
  store_ = GetParam()(folder_.path(), clock_);
}

Job StoreConformance::NewJob(const std::string& id) {
  Job job;
  job.id = id;
  job.spec.model = "models/m";
  job.spec.datasets = {{"datasets/d", 1}};
  job.create_time = job.queue_time = now();
  return job;
}

Job StoreConformance::Insert(const Job& job, const std::string& request_id,
                             const std::string& digest) {
  absl::StatusOr<Job> inserted;
  const absl::Status status = Write([&](Transaction& transaction) {
    inserted = transaction.InsertJob(job, request_id, digest);
    return inserted.status();
  });
  EXPECT_TRUE(status.ok()) << status;
  return inserted.value_or(Job());
}

Job StoreConformance::Lease(const std::string& id, const std::string& request_id) {
  const Job queued = Insert(NewJob(id));
  Job leased = queued;
  leased.state = JobState::kLeased;
  leased.epoch = 1;
  leased.attempt = 1;
  leased.worker_id = "w";
  leased.start_time = now();
  Attempt attempt;
  attempt.number = 1;
  attempt.worker_id = "w";
  attempt.incarnation = "i";
  attempt.start_time = now();
  attempt.request_id = request_id;
  attempt.result = "Running";
  const absl::Status status = Write([&](Transaction& transaction) {
    const absl::Status updated = transaction.UpdateJob(queued, leased);
    return updated.ok() ? transaction.InsertAttempt(id, 1, attempt) : updated;
  });
  EXPECT_TRUE(status.ok()) << status;
  return leased;
}

Checkpoint StoreConformance::NewCheckpoint(const std::string& job_id, const std::string& id,
                                           int64_t step) {
  Checkpoint checkpoint;
  checkpoint.job_id = job_id;
  checkpoint.id = id;
  checkpoint.step = step;
  checkpoint.files = {{"model.safetensors", 7, Sha256Hex(id)}};
  checkpoint.size_bytes = 7;
  checkpoint.digest = Sha256Hex("digest of " + id);
  checkpoint.parent = "models/m";
  checkpoint.create_time = now();
  return checkpoint;
}

namespace {

template <class Rows>
std::vector<std::string> Ids(const Rows& rows) {
  std::vector<std::string> ids;
  for (const auto& row : rows) ids.push_back(row.id);
  return ids;
}

TEST_P(StoreConformance, WhatWasCommittedIsThereAfterARestart) {
  Insert(NewJob("j"));
  Reopen();
  EXPECT_EQ(Get("j")->state, JobState::kQueued);
}

TEST_P(StoreConformance, AFailedWriteLeavesNothingAndGivesItsStatus) {
  const absl::Status status = Write([&](Transaction& transaction) {
    EXPECT_TRUE(transaction.InsertJob(NewJob("j"), "", "").ok());
    EXPECT_TRUE(transaction.GetJob("j").ok()) << "a transaction sees what it wrote";
    return absl::CancelledError("no");
  });
  EXPECT_EQ(status, absl::CancelledError("no"));
  EXPECT_TRUE(absl::IsNotFound(Get("j").status()));
}

TEST_P(StoreConformance, AReadSeesOneMoment) {
  Insert(NewJob("a"));
  const absl::Status status = store().Read([&](Reader& reader) {
    EXPECT_EQ(reader.ListJobs({})->size(), 1u);
    Insert(NewJob("b"));
    EXPECT_EQ(reader.ListJobs({})->size(), 1u);
    return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_TRUE(Get("b").ok());
}

TEST_P(StoreConformance, WhatIsNotThereIsNotFound) {
  const std::string none = "none";
  EXPECT_TRUE(absl::IsNotFound(Get(none).status()));
  EXPECT_TRUE(absl::IsNotFound(Read([&](Reader& r) { return r.GetWorker(none); }).status()));
  EXPECT_TRUE(absl::IsNotFound(Read([&](Reader& r) { return r.GetDataset(none); }).status()));
  EXPECT_TRUE(absl::IsNotFound(Read([&](Reader& r) { return r.GetModel(none); }).status()));
  EXPECT_TRUE(absl::IsNotFound(Read([&](Reader& r) { return r.GetAttempt(none, 1); }).status()));
  EXPECT_TRUE(
      absl::IsNotFound(Read([&](Reader& r) { return r.GetCheckpoint(none, none); }).status()));
  EXPECT_TRUE(absl::IsNotFound(Write([&](Transaction& t) { return t.DeleteDataset(none); })));
  EXPECT_TRUE(absl::IsNotFound(Write([&](Transaction& t) { return t.DeleteModel(none); })));
  EXPECT_TRUE(
      absl::IsNotFound(Write([&](Transaction& t) { return t.DeleteCheckpoint(none, none); })));
  EXPECT_TRUE(absl::IsNotFound(Write([&](Transaction& t) {
    Attempt attempt;
    attempt.number = 1;
    return t.UpdateAttempt(none, attempt);
  })));
}

TEST_P(StoreConformance, JobsAreNumberedAndListedNewestFirst) {
  for (const char* id : {"a", "b", "c", "d"}) Insert(NewJob(id));
  const auto all = *Read([](Reader& reader) { return reader.ListJobs({}); });
  EXPECT_THAT(Ids(all), ElementsAre("d", "c", "b", "a"));
  EXPECT_GT(all[0].submit_order, all[1].submit_order);
  JobFilter filter;
  filter.before_order = all[0].submit_order;
  filter.limit = 2;
  EXPECT_THAT(Ids(*Read([&](Reader& reader) { return reader.ListJobs(filter); })),
              ElementsAre("c", "b"));
}

TEST_P(StoreConformance, AListLeavesLongTextsOfTheSpecOut) {
  Job job = NewJob("j");
  job.spec.sample_prompts = {"long"};
  job.spec.prompt_template = "{prompt}: {response}";
  job.spec.epochs = 7;
  Insert(job);
  const Job listed = Read([](Reader& reader) { return reader.ListJobs({}); })->at(0);
  EXPECT_THAT(listed.spec.sample_prompts, IsEmpty());
  EXPECT_EQ(listed.spec.prompt_template, RunSpec().prompt_template);
  EXPECT_EQ(listed.spec.epochs, 7);
  EXPECT_EQ(Get("j")->spec.sample_prompts, job.spec.sample_prompts);
}

TEST_P(StoreConformance, JobsAreListedByStateAndCounted) {
  Insert(NewJob("queued"));
  Lease("leased");
  JobFilter filter;
  filter.states = {JobState::kLeased, JobState::kRunning};
  EXPECT_THAT(Ids(*Read([&](Reader& reader) { return reader.ListJobs(filter); })),
              ElementsAre("leased"));
  EXPECT_THAT(Ids(*Read([](Reader& reader) { return reader.HeldJobs(""); })),
              ElementsAre("leased"));
  EXPECT_THAT(Ids(*Read([](Reader& reader) { return reader.HeldJobs("w"); })),
              ElementsAre("leased"));
  EXPECT_THAT(Ids(*Read([](Reader& reader) { return reader.HeldJobs("v"); })), IsEmpty());
  const auto counts = *Read([](Reader& reader) { return reader.CountJobs(); });
  EXPECT_EQ(counts.at(JobState::kQueued), 1);
  EXPECT_EQ(counts.at(JobState::kLeased), 1);
  EXPECT_EQ(counts.at(JobState::kFailed), 0);
}

TEST_P(StoreConformance, ATakenJobIdIsRefused) {
  Insert(NewJob("j"));
  EXPECT_TRUE(absl::IsAlreadyExists(
      Write([&](Transaction& t) { return t.InsertJob(NewJob("j"), "", "").status(); })));
}

TEST_P(StoreConformance, ASubmitIsFoundByItsRequest) {
  Insert(NewJob("j"), "request", Sha256Hex("body"));
  const auto record = *Read([](Reader& reader) { return reader.FindSubmit("request"); });
  ASSERT_TRUE(record.has_value());
  EXPECT_EQ(record->job_id, "j");
  EXPECT_EQ(record->body_digest, Sha256Hex("body"));
  EXPECT_FALSE(Read([](Reader& reader) { return reader.FindSubmit("other"); })->has_value());
}

TEST_P(StoreConformance, AnUpdateIsGuardedByStateAndEpoch) {
  const Job leased = Lease("j");
  Job stale = leased;
  stale.epoch = 0;
  EXPECT_TRUE(absl::IsAborted(Write([&](Transaction& t) { return t.UpdateJob(stale, leased); })));
  Job falling = leased;
  falling.epoch = 0;
  EXPECT_TRUE(
      absl::IsInternal(Write([&](Transaction& t) { return t.UpdateJob(leased, falling); })));
  Job forbidden = leased;
  forbidden.state = JobState::kSucceeded;
  EXPECT_TRUE(
      absl::IsInternal(Write([&](Transaction& t) { return t.UpdateJob(leased, forbidden); })));
  EXPECT_EQ(Get("j")->epoch, 1);
}

TEST_P(StoreConformance, AnOrderIsFoundByItsRequestUntilItsJobGoes) {
  const Job job = Insert(NewJob("j"));
  Job over = job;
  over.state = JobState::kCancelled;
  over.end_time = now();
  ASSERT_TRUE(Write([&](Transaction& t) -> absl::Status {
                RETURN_IF_ERROR(t.InsertOrder("r", {"j", "cancel"}));
                EXPECT_TRUE(absl::IsAlreadyExists(t.InsertOrder("r", {"j", "pause"})));
                return t.UpdateJob(job, over);
              }).ok());
  const auto order = *Read([](Reader& reader) { return reader.FindOrder("r"); });
  ASSERT_TRUE(order.has_value());
  EXPECT_EQ(order->job_id, "j");
  EXPECT_EQ(order->kind, "cancel");
  ASSERT_TRUE(Write([&](Transaction& t) { return t.DeleteJob(over); }).ok());
  EXPECT_FALSE(Read([](Reader& reader) { return reader.FindOrder("r"); })->has_value());
}

TEST_P(StoreConformance, AJobThatIsAskedForKeepsWhyAndOneThatFailedCanBeQueuedAgain) {
  const Job leased = Lease("j");
  Job asked = leased;
  asked.yield_reason = "Paused";
  ASSERT_TRUE(Write([&](Transaction& t) { return t.UpdateJob(leased, asked); }).ok());
  Reopen();
  EXPECT_EQ(Get("j")->yield_reason, "Paused");
  Job failed = asked;
  failed.state = JobState::kFailed;
  failed.yield_reason = "";
  failed.end_time = now();
  ASSERT_TRUE(Write([&](Transaction& t) { return t.UpdateJob(asked, failed); }).ok());
  Job again = failed;
  again.state = JobState::kQueued;
  again.end_time = absl::InfinitePast();
  EXPECT_FALSE(Write([&](Transaction& t) { return t.UpdateJob(failed, again); }).ok())
      << "a retry raises the epoch";
  ++again.epoch;
  ASSERT_TRUE(Write([&](Transaction& t) { return t.UpdateJob(failed, again); }).ok());
  Reopen();
  EXPECT_EQ(Get("j")->state, JobState::kQueued);
}

TEST_P(StoreConformance, ALeaseIsFoundByItsRequestAndItsAttemptChanges) {
  Lease("j", "request");
  const auto key = *Read([](Reader& reader) { return reader.FindLease("request"); });
  ASSERT_TRUE(key.has_value());
  EXPECT_EQ(key->job_id, "j");
  EXPECT_EQ(key->epoch, 1);
  Attempt attempt = *Read([](Reader& reader) { return reader.GetAttempt("j", 1); });
  attempt.last_step = 9;
  attempt.last_report_seq = 4;
  attempt.result = "WorkerLost";
  ASSERT_TRUE(Write([&](Transaction& t) { return t.UpdateAttempt("j", attempt); }).ok());
  const auto attempts = *Read([](Reader& reader) { return reader.ListAttempts("j"); });
  ASSERT_EQ(attempts.size(), 1u);
  EXPECT_EQ(attempts[0].last_step, 9);
  EXPECT_EQ(attempts[0].result, "WorkerLost");
}

TEST_P(StoreConformance, EventsAreNumberedFromOneForEachJob) {
  Insert(NewJob("a"));
  Insert(NewJob("b"));
  JobEvent event;
  event.time = now();
  event.kind = JobEvent::Kind::kTraining;
  event.payload = std::string("\0\xFF bytes", 8);
  event.user = "alice";
  for (const int64_t seq : {1, 2, 3}) {
    absl::StatusOr<int64_t> given;
    ASSERT_TRUE(Write([&](Transaction& t) {
                  given = t.AppendEvent("a", event);
                  return given.status();
                }).ok());
    EXPECT_EQ(*given, seq);
  }
  const auto events = *Read([](Reader& reader) { return reader.ListEvents("a", 1, 1); });
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].seq, 2);
  EXPECT_EQ(events[0].payload, event.payload);
  EXPECT_EQ(events[0].user, "alice");
  EXPECT_THAT(*Read([](Reader& reader) { return reader.ListEvents("b", 0, 9); }), IsEmpty());
}

TEST_P(StoreConformance, AWorkerIsReplacedByItsNextRegistration) {
  WorkerRecord worker;
  worker.register_time = now();
  for (const char* id : {"b", "a", "c", "b"}) {
    worker.id = id;
    worker.incarnation = absl::StrCat(worker.incarnation, "i");
    ASSERT_TRUE(Write([&](Transaction& t) { return t.PutWorker(worker); }).ok());
  }
  EXPECT_EQ(Read([](Reader& reader) { return reader.GetWorker("b"); })->incarnation, "iiii");
  EXPECT_THAT(Ids(*Read([](Reader& reader) { return reader.ListWorkers("", 9); })),
              ElementsAre("a", "b", "c"));
  EXPECT_THAT(Ids(*Read([](Reader& reader) { return reader.ListWorkers("a", 1); })),
              ElementsAre("b"));
  ASSERT_TRUE(Write([](Transaction& t) { return t.DeleteWorker("b"); }).ok());
  ASSERT_TRUE(Write([](Transaction& t) { return t.DeleteWorker("b"); }).ok());
  EXPECT_THAT(Ids(*Read([](Reader& reader) { return reader.ListWorkers("", 9); })),
              ElementsAre("a", "c"));
}

TEST_P(StoreConformance, ACordonIsOfTheNameAndOutlastsTheWorker) {
  WorkerRecord worker;
  worker.id = "w";
  worker.incarnation = "i";
  worker.register_time = now();
  const auto cordoned = [&] {
    bool hot = false;
    store().hot().Read([&](const JobQueue&, const Fleet& fleet) {
      hot = fleet.FindSlot("w") != nullptr && !fleet.FindSlot("w")->cordoned.empty();
    });
    return hot;
  };
  ASSERT_TRUE(Write([&](Transaction& t) { return t.PutWorker(worker); }).ok());
  EXPECT_FALSE(cordoned());
  ASSERT_TRUE(Write([&](Transaction& t) {
                return t.PutCordon("w", {"alice", "disk", now()});
              }).ok());
  EXPECT_TRUE(cordoned());
  ASSERT_TRUE(Write([&](Transaction& t) { return t.DeleteWorker("w"); }).ok());
  ASSERT_TRUE(Write([&](Transaction& t) { return t.PutWorker(worker); }).ok());
  EXPECT_TRUE(cordoned());
  Reopen();
  EXPECT_TRUE(cordoned());
  const WorkerRecord kept = *Read([](Reader& reader) { return reader.GetWorker("w"); });
  ASSERT_TRUE(kept.cordon.has_value());
  EXPECT_EQ(kept.cordon->user, "alice");
  EXPECT_EQ(kept.cordon->reason, "disk");
  EXPECT_EQ(kept.cordon->time, now());
  bool was_there = false;
  const auto lift = [&] {
    return Write([&](Transaction& t) -> absl::Status {
      ASSIGN_OR_RETURN(was_there, t.DeleteCordon("w"));
      return absl::OkStatus();
    });
  };
  ASSERT_TRUE(lift().ok());
  EXPECT_TRUE(was_there);
  EXPECT_FALSE(cordoned());
  ASSERT_TRUE(lift().ok());
  EXPECT_FALSE(was_there);
}

TEST_P(StoreConformance, DatasetsAndModelsAreThereOnceUntilTheyAreDeleted) {
  const Dataset dataset{"d", {"d.jsonl", 3, Sha256Hex("d")}, "text", 2, now(), 0, 0};
  Model model;
  model.id = "m";
  model.files = {{"config.json", 2, Sha256Hex("c")}, {"model.safetensors", 9, Sha256Hex("w")}};
  model.create_time = now();
  ASSERT_TRUE(Write([&](Transaction& t) { return t.InsertDataset(dataset); }).ok());
  ASSERT_TRUE(Write([&](Transaction& t) { return t.InsertModel(model); }).ok());
  EXPECT_TRUE(
      absl::IsAlreadyExists(Write([&](Transaction& t) { return t.InsertDataset(dataset); })));
  EXPECT_TRUE(absl::IsAlreadyExists(Write([&](Transaction& t) { return t.InsertModel(model); })));
  EXPECT_EQ(Read([](Reader& reader) { return reader.GetModel("m"); })->files, model.files);
  EXPECT_THAT(Ids(*Read([](Reader& reader) { return reader.ListDatasets("", 9); })),
              ElementsAre("d"));
  EXPECT_THAT(Ids(*Read([](Reader& reader) { return reader.ListModels("m", 9); })), IsEmpty());
  ASSERT_TRUE(Write([](Transaction& t) { return t.DeleteModel("m"); }).ok());
  EXPECT_FALSE(*Read([](Reader& reader) { return reader.IsBlobReferenced(Sha256Hex("w")); }));
  EXPECT_TRUE(*Read([](Reader& reader) { return reader.IsBlobReferenced(Sha256Hex("d")); }));
}

TEST_P(StoreConformance, TheLatestDataReportsAreKept) {
  const auto put = [&](int64_t first, int64_t last) {
    const absl::Status status = Write([&](Transaction& t) -> absl::Status {
      for (int64_t i = first; i <= last; ++i) {
        RETURN_IF_ERROR(t.PutDataReport(absl::StrCat("key-", i), absl::StrCat(i)));
      }
      return absl::OkStatus();
    });
    EXPECT_TRUE(status.ok()) << status;
  };
  put(1, kKeptDataReports);
  put(1, 1);  // the first is now the latest
  put(kKeptDataReports + 1, kKeptDataReports + 1);
  const auto find = [&](int64_t i) {
    const auto report =
        Read([&](Reader& reader) { return reader.FindDataReport(absl::StrCat("key-", i)); });
    EXPECT_TRUE(report.ok()) << report.status();
    return report.value_or(std::nullopt);
  };
  EXPECT_EQ(find(1), "1");
  EXPECT_EQ(find(2), std::nullopt);
  EXPECT_EQ(find(4), "4");
  EXPECT_EQ(find(kKeptDataReports + 1), absl::StrCat(kKeptDataReports + 1));
}

TEST_P(StoreConformance, AnInputIsUsedUntilItsJobIsOver) {
  const Job leased = Lease("j");
  const auto user = [&] {
    return *Read([](Reader& reader) { return reader.FindUser("datasets/d"); });
  };
  EXPECT_EQ(user(), "j");
  Job over = leased;
  over.state = JobState::kCancelled;
  over.epoch = 2;
  over.end_time = now();
  ASSERT_TRUE(Write([&](Transaction& t) { return t.UpdateJob(leased, over); }).ok());
  EXPECT_EQ(user(), std::nullopt);
}

TEST_P(StoreConformance, CheckpointsAreListedNewestFirstOfOneJobOrOfAll) {
  for (const char* job : {"a", "b"}) {
    Insert(NewJob(job));
    for (const char* id : {"step-1", "step-2"}) {
      ASSERT_TRUE(Write([&](Transaction& t) {
                    return t.InsertCheckpoint(NewCheckpoint(job, id, 1));
                  }).ok());
    }
  }
  const auto of_a = *Read([](Reader& reader) { return reader.ListCheckpoints({"a", 0, 9}); });
  ASSERT_EQ(of_a.size(), 2u);
  EXPECT_EQ(of_a[0].checkpoint.id, "step-2");
  EXPECT_GT(of_a[0].order, of_a[1].order);
  EXPECT_EQ(Read([&](Reader& r) { return r.ListCheckpoints({"", of_a[0].order, 9}); })->size(), 1u);
  EXPECT_EQ(*Read([](Reader& reader) { return reader.CountCheckpoints(); }), 4);
  EXPECT_TRUE(absl::IsAlreadyExists(
      Write([&](Transaction& t) { return t.InsertCheckpoint(NewCheckpoint("a", "step-1", 1)); })));
  ASSERT_TRUE(Write([](Transaction& t) { return t.DeleteCheckpoint("a", "step-1"); }).ok());
  EXPECT_EQ(*Read([](Reader& reader) { return reader.CountCheckpoints(); }), 3);
}

TEST_P(StoreConformance, EveryFileWithAContentIsFound) {
  const std::string sha256 = Sha256Hex("step-1");
  Insert(NewJob("j"));
  const Dataset dataset{"d", {"d.jsonl", 7, sha256}, "text", 2, now(), 0, 0};
  ASSERT_TRUE(Write([&](Transaction& t) { return t.InsertDataset(dataset); }).ok());
  ASSERT_TRUE(Write([&](Transaction& t) {
                return t.InsertCheckpoint(NewCheckpoint("j", "step-1", 1));
              }).ok());
  std::vector<std::string> found;
  const auto users = *Read([&](Reader& reader) { return reader.FindBlobUsers(sha256); });
  for (const BlobUser& user : users) found.push_back(user.resource + ": " + user.path);
  EXPECT_THAT(found,
              ElementsAre("datasets/d: d.jsonl", "jobs/j/checkpoints/step-1: model.safetensors"));
}

TEST_P(StoreConformance, ADatabaseKeepsItsIdentityAndIsWhole) {
  const std::string id = *store().DatabaseId();
  EXPECT_FALSE(id.empty());
  Reopen();
  EXPECT_EQ(*store().DatabaseId(), id);
  EXPECT_THAT(*store().CheckIntegrity(), IsEmpty());
  EXPECT_GT(*store().SizeBytes(), 0);
  const std::string other = folder_ / "other";
  ASSERT_TRUE(CreateDirectories(other).ok());
  EXPECT_NE(*GetParam()(other, clock_)->DatabaseId(), id);
}

}  // namespace
}  // namespace tune::server
