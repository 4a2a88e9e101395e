#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "base/status.h"
#include "tests/unit/server/store/store_fixture.h"

namespace tune::server {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsSupersetOf;
using testing::Not;

class JobRows : public StoreTest {};

TEST_F(JobRows, AJobComesBackAsItWentIn) {
  Job job = NewJob("j");
  job.spec.learning_rate = 3e-4;
  job.spec.eval = EvalSpec{"datasets/e", 10, 5};
  job.labels = {{"team", "x\"y\n"}};
  job.warnings = {"max_length is 512"};
  Insert(job);
  const Job back = *Get("j");
  EXPECT_EQ(back.submit_order, 1);
  EXPECT_EQ(DumpJson(RunSpecToJson(back.spec)), DumpJson(RunSpecToJson(job.spec)));
  EXPECT_EQ(back.labels, job.labels);
  EXPECT_EQ(back.warnings, job.warnings);
  EXPECT_EQ(back.state, JobState::kQueued);
  EXPECT_EQ(back.create_time, now());
  EXPECT_EQ(back.start_time, absl::InfinitePast());
  EXPECT_TRUE(std::isnan(back.progress.loss));
}

TEST_F(JobRows, ProgressKeepsValuesThatAreNotFinite) {
  const Job queued = Insert(NewJob("j"));
  Job leased = Leased(queued, now());
  leased.progress.step = 7;
  leased.progress.loss = std::numeric_limits<double>::infinity();
  leased.progress.grad_norm = std::nan("");
  leased.progress.epoch = 0.25;
  leased.progress.update_time = now();
  ASSERT_TRUE(Update(queued, leased).ok());
  const Progress progress = Get("j")->progress;
  EXPECT_EQ(progress.step, 7);
  EXPECT_TRUE(std::isinf(progress.loss));
  EXPECT_TRUE(std::isnan(progress.grad_norm));
  EXPECT_EQ(progress.epoch, 0.25);
  EXPECT_EQ(progress.update_time, now());
}

TEST_F(JobRows, ProgressIsKeptBySource) {
  const Job queued = Insert(NewJob("j"));
  EXPECT_TRUE(queued.progress.sources.empty());
  Job leased = Leased(queued, now());
  leased.progress.sources = {{"datasets/a", 1.5, 20, std::nan(""), 3, 40, 20},
                             {"datasets/b", std::numeric_limits<double>::infinity()}};
  ASSERT_TRUE(Update(queued, leased).ok());
  const auto sources = Get("j")->progress.sources;
  ASSERT_EQ(sources.size(), 2u);
  EXPECT_EQ(sources[0].source, "datasets/a");
  EXPECT_EQ(sources[0].loss, 1.5);
  EXPECT_EQ(sources[0].loss_tokens, 20);
  EXPECT_TRUE(std::isnan(sources[0].eval_loss));
  EXPECT_EQ(sources[0].examples, 3);
  EXPECT_EQ(sources[0].tokens, 40);
  EXPECT_EQ(sources[0].target_tokens, 20);
  EXPECT_TRUE(std::isinf(sources[1].loss));
}

TEST_F(JobRows, ATakenIdIsRefused) {
  Insert(NewJob("j"));
  const absl::Status status = store().Write([&](Transaction& transaction) {
    return transaction.InsertJob(NewJob("j"), "", "").status();
  });
  EXPECT_EQ(status.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(std::string(status.message()), HasSubstr("jobs/j"));
}

TEST_F(JobRows, AMissingJobIsNamed) {
  EXPECT_EQ(Get("none").status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(Get("none").status().message()), HasSubstr("jobs/none"));
}

TEST_F(JobRows, AnUpdateIsGuardedByStateAndEpoch) {
  const Job queued = Insert(NewJob("j"));
  const Job leased = Leased(queued, now());
  ASSERT_TRUE(Update(queued, leased).ok());
  EXPECT_EQ(Update(queued, leased).code(), absl::StatusCode::kAborted);
  Job other_epoch = leased;
  other_epoch.epoch = 5;
  EXPECT_EQ(Update(other_epoch, other_epoch).code(), absl::StatusCode::kAborted);
  EXPECT_EQ(Get("j")->epoch, 1);
}

TEST_F(JobRows, AForbiddenMoveAndAFallingEpochAreRefused) {
  const Job queued = Insert(NewJob("j"));
  Job running = Leased(queued, now());
  running.state = JobState::kRunning;
  EXPECT_EQ(Update(queued, running).code(), absl::StatusCode::kInternal);
  const Job leased = Leased(queued, now());
  ASSERT_TRUE(Update(queued, leased).ok());
  Job lower = leased;
  lower.epoch = 0;
  EXPECT_EQ(Update(leased, lower).code(), absl::StatusCode::kInternal);
}

TEST_F(JobRows, TheSchemaItselfHoldsTheInvariants) {
  Insert(NewJob("j"));
  auto connection = *Connection::Open(Path(), Connection::Mode::kWriter);
  const auto run = [&](const std::string& sql) {
    return connection->Catch([&] {
      connection->Exec(sql);
      return absl::OkStatus();
    });
  };
  EXPECT_FALSE(run("UPDATE jobs SET state = 'DONE'").ok());
  EXPECT_FALSE(run("UPDATE jobs SET state = 'FAILED'").ok());  // without an end_time
  EXPECT_FALSE(run("UPDATE jobs SET end_time_us = 1").ok());   // of a job that is not over
  EXPECT_FALSE(run("UPDATE jobs SET state = 'LEASED'").ok());  // by nobody
  EXPECT_TRUE(run("UPDATE jobs SET epoch = 3").ok());
  EXPECT_THAT(std::string(run("UPDATE jobs SET epoch = 2").message()), HasSubstr("must not fall"));
  EXPECT_TRUE(run("UPDATE jobs SET state = 'CANCELLED', end_time_us = 1").ok());
  EXPECT_THAT(std::string(run("UPDATE jobs SET state = 'QUEUED', end_time_us = NULL").message()),
              HasSubstr("must not change state"));
}

TEST_F(JobRows, ListsGoFromTheNewestInPages) {
  for (const char* id : {"a", "b", "c"}) Insert(NewJob(id));
  const auto list = [&](const JobFilter& filter) {
    std::vector<std::string> ids;
    EXPECT_TRUE(store()
                    .Read([&](Reader& reader) {
                      const std::vector<Job> jobs = *reader.ListJobs(filter);
                      for (const Job& job : jobs) ids.push_back(job.id);
                      return absl::OkStatus();
                    })
                    .ok());
    return ids;
  };
  EXPECT_THAT(list({}), ElementsAre("c", "b", "a"));
  EXPECT_THAT(list({{}, 3, 1}), ElementsAre("b"));
  const Job b = *Get("b");
  ASSERT_TRUE(Update(b, Leased(b, now())).ok());
  EXPECT_THAT(list({{JobState::kQueued}}), ElementsAre("c", "a"));
  EXPECT_THAT(list({{JobState::kLeased, JobState::kRunning}}), ElementsAre("b"));
}

TEST_F(JobRows, TheQueueHasWhatPlacementAsksFor) {
  Insert(NewJob("low", -1));
  Insert(NewJob("high", 5));
  Job demanding = NewJob("demanding");
  demanding.spec.on_spike = "skip";
  demanding.spec.resources.gpus = 2;
  Insert(demanding);
  const Job low = *Get("low");
  ASSERT_TRUE(Update(low, Leased(low, now())).ok());
  const auto look = [](const JobQueue& queue, const Fleet&) {
    ASSERT_EQ(queue.size(), 2u);
    const QueuedJob& high = *queue.Find("high");
    const QueuedJob& demanding = *queue.Find("demanding");
    EXPECT_EQ(high.priority, 5);
    EXPECT_LT(high.submit_order, demanding.submit_order);
    EXPECT_THAT(*high.fields_set, Not(Contains("on_spike")));
    EXPECT_THAT(*demanding.fields_set, IsSupersetOf({"on_spike", "resources.gpus"}));
    EXPECT_EQ(demanding.resources.gpus, 2);
  };
  store().hot().Read(look);
  store_ = nullptr;
  store().hot().Read(look);  // as a restart reads it from the rows
}

TEST_F(JobRows, WhatItsFilesAskOfATrainerIsOfTheQueueToo) {
  Job job = NewJob("tables");
  job.file_kinds = {{"datasets/d", "parquet"}};
  Insert(job);
  const auto look = [](const JobQueue& queue, const Fleet&) {
    const QueuedJob& queued = *queue.Find("tables");
    EXPECT_THAT(*queued.fields_set, IsSupersetOf({"file=parquet", "model"}));
    EXPECT_TRUE(std::is_sorted(queued.fields_set->begin(), queued.fields_set->end()));
    EXPECT_EQ(queued.file_kinds.at("datasets/d"), "parquet");
  };
  store().hot().Read(look);
  store_ = nullptr;
  store().hot().Read(look);  // after a restart
  const Job queued = *Get("tables");
  const Job leased = Leased(queued, now());
  ASSERT_TRUE(Update(queued, leased).ok());
  Job again = leased;
  again.state = JobState::kQueued;
  ASSERT_TRUE(Update(leased, again).ok());
  store().hot().Read(look);
}

TEST_F(JobRows, AreCounted) {
  const auto read = [&](auto&& f) {
    EXPECT_TRUE(store()
                    .Read([&](Reader& reader) {
                      f(reader);
                      return absl::OkStatus();
                    })
                    .ok());
  };
  Insert(NewJob("late"));
  Insert(NewJob("early"));
  read([&](Reader& reader) {
    const auto counts = *reader.CountJobs();
    EXPECT_EQ(counts.size(), kJobStates.size());
    EXPECT_EQ(counts.at(JobState::kQueued), 2);
    EXPECT_EQ(counts.at(JobState::kFailed), 0);
  });
}

TEST_F(JobRows, ARequestIdFindsItsJob) {
  Insert(NewJob("j"), "request-1", "digest");
  ASSERT_TRUE(store()
                  .Read([&](Reader& reader) {
                    const auto found = *reader.FindSubmit("request-1");
                    EXPECT_EQ(found->job_id, "j");
                    EXPECT_EQ(found->body_digest, "digest");
                    EXPECT_FALSE(reader.FindSubmit("request-2")->has_value());
                    return absl::OkStatus();
                  })
                  .ok());
}

TEST_F(JobRows, AnInputIsUsedWhileAJobIsNotOver) {
  const Job job = Insert(NewJob("j"));
  const auto user = [&](const std::string& resource) {
    std::optional<std::string> id;
    EXPECT_TRUE(store()
                    .Read([&](Reader& reader) {
                      id = *reader.FindUser(resource);
                      return absl::OkStatus();
                    })
                    .ok());
    return id;
  };
  EXPECT_EQ(user("datasets/d"), "j");
  EXPECT_EQ(user("models/m"), "j");
  EXPECT_EQ(user("datasets/m"), std::nullopt);
  Job cancelled = job;
  cancelled.state = JobState::kCancelled;
  cancelled.end_time = now();
  ASSERT_TRUE(Update(job, cancelled).ok());
  EXPECT_EQ(user("datasets/d"), std::nullopt);
}

}  // namespace
}  // namespace tune::server
