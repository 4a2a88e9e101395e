#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "absl/synchronization/notification.h"
#include "base/field_errors.h"
#include "tests/unit/server/rpc/running_scheduler.h"

namespace tune::server {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class JobServiceTest : public ::testing::Test {
 protected:
  v1::Lease Lease() {
    EXPECT_TRUE(scheduler_.Register().ok());
    EXPECT_TRUE(scheduler_.CreateJob("demo").ok());
    const auto lease = scheduler_.Acquire();
    EXPECT_TRUE(lease.ok()) << lease.status();
    return lease.value_or(v1::Lease());
  }

  // Reads a watch to its end; `on_message` sees each message.
  absl::StatusOr<std::vector<v1::JobEvent>> Watch(
      int64_t after_seq, const std::function<void(const v1::WatchJobResponse&)>& on_message = {}) {
    v1::WatchJobRequest request;
    request.set_name("jobs/demo");
    request.set_after_seq(after_seq);
    const auto context = MakeContext(absl::Seconds(30));
    const auto stream = scheduler_.jobs().WatchJob(context.get(), request);
    v1::WatchJobResponse response;
    std::vector<v1::JobEvent> events;
    while (stream->Read(&response)) {
      EXPECT_LE(response.events_size(), 100);
      events.insert(events.end(), response.events().begin(), response.events().end());
      if (on_message) on_message(response);
    }
    const absl::Status status = FromGrpcStatus(stream->Finish());
    if (!status.ok()) return status;
    return events;
  }

  absl::StatusOr<std::string> Logs(const v1::StreamJobLogsRequest& request) {
    const auto context = MakeContext(absl::Seconds(30));
    const auto stream = scheduler_.jobs().StreamJobLogs(context.get(), request);
    v1::StreamJobLogsResponse response;
    std::string logs;
    while (stream->Read(&response)) logs += response.data();
    const absl::Status status = FromGrpcStatus(stream->Finish());
    if (!status.ok()) return status;
    return logs;
  }

  absl::StatusOr<std::vector<v1::CheckJobDataResponse>> CheckData(
      const v1::CheckJobDataRequest& request) {
    const auto context = MakeContext(absl::Seconds(30));
    const auto stream = scheduler_.jobs().CheckJobData(context.get(), request);
    v1::CheckJobDataResponse response;
    std::vector<v1::CheckJobDataResponse> news;
    while (stream->Read(&response)) news.push_back(response);
    const absl::Status status = FromGrpcStatus(stream->Finish());
    if (!status.ok()) return status;
    return news;
  }

  static v1::StreamJobLogsRequest LogsOf(const std::string& name) {
    v1::StreamJobLogsRequest request;
    request.set_name(name);
    return request;
  }

  absl::Status FinishWell(const v1::LeaseKey& key) {
    const auto committed = scheduler_.Commit(key, true, scheduler_.Upload("m", "weights"));
    if (!committed.ok()) return committed.status();
    return scheduler_.Finish(key, v1::FinishAttemptRequest::SUCCEEDED);
  }

  RunningScheduler scheduler_;
};

TEST_F(JobServiceTest, AJobIsQueuedWithItsDefaults) {
  const auto job = scheduler_.CreateJob("demo");
  ASSERT_TRUE(job.ok()) << job.status();
  EXPECT_EQ(job->name(), "jobs/demo");
  EXPECT_EQ(job->state(), v1::Job::QUEUED);
  EXPECT_EQ(job->spec().batch_size(), 64);
  EXPECT_EQ(job->spec().lr_scheduler(), "cosine");
}

TEST_F(JobServiceTest, EveryWrongFieldIsNamed) {
  v1::CreateJobRequest request;
  request.mutable_job()->mutable_spec()->set_epochs(-1);
  request.mutable_job()->mutable_spec()->set_lr_scheduler("cosin");
  const absl::Status status =
      Call(scheduler_.jobs(), &v1::JobService::Stub::CreateJob, request).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(FieldErrorsOf(status), Contains(Field(&FieldError::field, "epochs")));
  EXPECT_THAT(FieldErrorsOf(status), Contains(Field(&FieldError::field, "lr_scheduler")));
}

TEST_F(JobServiceTest, ACheckOfDataEndsWithAllKnown) {
  ASSERT_TRUE(scheduler_.CreateModel().ok());
  ASSERT_TRUE(scheduler_.CreateDataset("rows", R"({"prompt": "a", "response": "b"})").ok());
  v1::CheckJobDataRequest request;
  request.mutable_job()->mutable_spec()->set_model("models/tiny");
  request.mutable_job()->mutable_spec()->add_datasets()->set_dataset("datasets/rows");
  const auto news = CheckData(request);
  ASSERT_TRUE(news.ok()) << news.status();
  ASSERT_FALSE(news->empty());
  EXPECT_EQ(news->front().dataset(), "");  // it waits
  EXPECT_THAT(*CheckData(request), IsEmpty());
}

TEST_F(JobServiceTest, ACheckOfDataNamesEveryWrongField) {
  v1::CheckJobDataRequest request;
  request.set_job_id("no/name");
  request.mutable_job()->mutable_spec()->set_epochs(-1);
  const absl::Status status = CheckData(request).status();
  EXPECT_THAT(FieldErrorsOf(status), Contains(Field(&FieldError::field, "epochs")));
  request.mutable_job()->mutable_spec()->set_epochs(1);
  request.mutable_job()->mutable_spec()->set_model("models/m");
  request.mutable_job()->mutable_spec()->add_datasets()->set_dataset("datasets/d");
  EXPECT_THAT(FieldErrorsOf(CheckData(request).status()),
              Contains(Field(&FieldError::field, "job_id")));
}

TEST_F(JobServiceTest, AModelThatIsNotThereIsNamed) {
  v1::CreateJobRequest request;
  request.mutable_job()->mutable_spec()->set_model("models/nobody");
  request.mutable_job()->mutable_spec()->add_datasets()->set_dataset("datasets/nothing");
  const absl::Status status =
      Call(scheduler_.jobs(), &v1::JobService::Stub::CreateJob, request).status();
  EXPECT_THAT(FieldErrorsOf(status), Contains(Field(&FieldError::field, "model")));
  EXPECT_THAT(FieldErrorsOf(status), Contains(Field(&FieldError::field, "datasets[0].dataset")));
}

TEST_F(JobServiceTest, ListsByState) {
  ASSERT_TRUE(scheduler_.CreateJob("a").ok());
  ASSERT_TRUE(scheduler_.CreateJob("b").ok());
  v1::ListJobsRequest list;
  EXPECT_EQ(Call(scheduler_.jobs(), &v1::JobService::Stub::ListJobs, list)->jobs_size(), 2);
  list.add_states(v1::Job::RUNNING);
  EXPECT_EQ(Call(scheduler_.jobs(), &v1::JobService::Stub::ListJobs, list)->jobs_size(), 0);
  list.add_states(v1::Job::STATE_UNSPECIFIED);
  EXPECT_EQ(Call(scheduler_.jobs(), &v1::JobService::Stub::ListJobs, list).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(JobServiceTest, AWatchSeesTheWholeLife) {
  const v1::Lease lease = Lease();
  absl::Notification first;
  auto watched = std::async(std::launch::async, [&] {
    return Watch(0, [&](const v1::WatchJobResponse& response) {
      EXPECT_EQ(response.job().name(), "jobs/demo");
      if (!first.HasBeenNotified()) first.Notify();
    });
  });
  first.WaitForNotification();
  ASSERT_TRUE(scheduler_.ReportStep(lease.key(), 1, 1).ok());
  ASSERT_TRUE(FinishWell(lease.key()).ok());
  const auto events = watched.get();
  ASSERT_TRUE(events.ok()) << events.status();
  std::vector<int64_t> seqs;
  std::vector<v1::Job::State> states;
  int checkpoints = 0, steps = 0;
  for (const v1::JobEvent& event : *events) {
    seqs.push_back(event.seq());
    if (event.has_state_change()) states.push_back(event.state_change().state());
    checkpoints += event.checkpoint() == "jobs/demo/checkpoints/final";
    steps += event.training().step().step() == 1;
  }
  for (size_t i = 0; i < seqs.size(); ++i) EXPECT_EQ(seqs[i], static_cast<int64_t>(i) + 1);
  EXPECT_THAT(states,
              ElementsAre(v1::Job::QUEUED, v1::Job::LEASED, v1::Job::RUNNING, v1::Job::SUCCEEDED));
  EXPECT_EQ(checkpoints, 1);
  EXPECT_EQ(steps, 1);
}

TEST_F(JobServiceTest, AWatchOfManyEventsComesInPiecesAndGoesOnWhereItStopped) {
  const v1::Lease lease = Lease();
  for (int i = 1; i <= 150; ++i) ASSERT_TRUE(scheduler_.ReportStep(lease.key(), i, i).ok());
  ASSERT_TRUE(FinishWell(lease.key()).ok());
  int messages = 0;
  v1::Job last;
  const auto all = Watch(0, [&](const v1::WatchJobResponse& response) {
    ++messages;
    last = response.job();
  });
  ASSERT_TRUE(all.ok()) << all.status();
  EXPECT_EQ(messages, 2);
  EXPECT_EQ(last.state(), v1::Job::SUCCEEDED);
  const int64_t seen = all->at(99).seq();
  const auto rest = Watch(seen);
  ASSERT_TRUE(rest.ok()) << rest.status();
  EXPECT_EQ(rest->front().seq(), seen + 1);
  EXPECT_EQ(rest->size(), all->size() - 100);
}

TEST_F(JobServiceTest, AWatchOfNothingIsNotFound) {
  EXPECT_EQ(Watch(0).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(JobServiceTest, LogsFromTheEndAndByAttempt) {
  const v1::Lease lease = Lease();
  ASSERT_TRUE(scheduler_.AppendLog(lease.key(), 0, "one\ntwo\nthree\n").ok());
  v1::StreamJobLogsRequest request = LogsOf("jobs/demo");
  EXPECT_EQ(*Logs(request), "one\ntwo\nthree\n");
  request.set_tail_lines(2);
  EXPECT_EQ(*Logs(request), "two\nthree\n");
  request.set_attempt(1);
  EXPECT_EQ(*Logs(request), "two\nthree\n");
  request.set_attempt(2);
  EXPECT_EQ(Logs(request).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Logs(LogsOf("jobs/nobody")).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(JobServiceTest, FollowedLogsGoThroughTheNextAttemptToTheEnd) {
  const v1::Lease first = Lease();
  ASSERT_TRUE(scheduler_.AppendLog(first.key(), 0, "first\n").ok());
  v1::StreamJobLogsRequest request = LogsOf("jobs/demo");
  request.set_follow(true);
  auto logs = std::async(std::launch::async, [&] { return Logs(request); });
  ASSERT_TRUE(scheduler_.AppendLog(first.key(), 6, "more\n").ok());
  // Its worker starts anew: the lease ends, the job waits again and is leased again.
  v1::RegisterWorkerRequest again;
  again.set_worker_id("w");
  again.set_incarnation("i2");
  again.set_version("0.1.0");
  again.add_spec_fields("model");
  again.mutable_resources()->set_cpus(2);
  ASSERT_TRUE(Call(scheduler_.dispatch(), &v1::DispatchService::Stub::RegisterWorker, again).ok());
  v1::CancelJobRequest cancel;
  cancel.set_name("jobs/demo");
  ASSERT_TRUE(Call(scheduler_.jobs(), &v1::JobService::Stub::CancelJob, cancel).ok());
  EXPECT_EQ(*logs.get(), "first\nmore\n");
}

TEST_F(JobServiceTest, LogsOfAJobThatNeverRanAreEmpty) {
  ASSERT_TRUE(scheduler_.CreateJob("demo").ok());
  EXPECT_EQ(*Logs(LogsOf("jobs/demo")), "");
}

}  // namespace
}  // namespace tune::server
