// What tunectl may rely on in its scheduler: the same tests of the scripted one, with which its own
// tests run, and of the real one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "absl/strings/escaping.h"
#include "base/sha256.h"
#include "proto/wire/status.h"
#include "tests/support/scripted/scheduler.h"
#include "tests/unit/server/rpc/running_scheduler.h"

namespace tune::client {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class World {
 public:
  virtual ~World() = default;
  virtual std::shared_ptr<grpc::Channel> channel() = 0;
  // models/tiny, which jobs start from.
  virtual void MakeModel() = 0;
};

class ScriptedWorld : public World {
 public:
  std::shared_ptr<grpc::Channel> channel() override { return scheduler_.server.channel(); }
  void MakeModel() override {}  // it takes any

 private:
  testing::ScriptedScheduler scheduler_;
};

class RealWorld : public World {
 public:
  std::shared_ptr<grpc::Channel> channel() override { return scheduler_.channel(); }
  void MakeModel() override { ASSERT_TRUE(scheduler_.CreateModel().ok()); }

 private:
  server::RunningScheduler scheduler_;
};

using MakeWorld = std::unique_ptr<World> (*)();

class SchedulerConformance : public ::testing::TestWithParam<MakeWorld> {
 protected:
  template <class Response, class Stub, class Request>
  absl::StatusOr<Response> Call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                             Response*),
                                const Request& request) {
    Stub stub(channel_);
    return server::Call(stub, method, request);
  }
  // How a stream of answers ends.
  template <class Stub, class Request, class Response>
  absl::Status EndOf(std::unique_ptr<grpc::ClientReader<Response>> (Stub::*method)(
                         grpc::ClientContext*, const Request&),
                     const Request& request) {
    Stub stub(channel_);
    const auto context = MakeContext(absl::Seconds(30));
    const auto stream = (stub.*method)(context.get(), request);
    Response response;
    while (stream->Read(&response)) {
    }
    return FromGrpcStatus(stream->Finish());
  }

  v1::FileEntry Upload(const std::string& content) {
    v1::FileEntry file;
    file.set_path("train.jsonl");
    file.set_size_bytes(static_cast<int64_t>(content.size()));
    file.set_sha256(Sha256Hex(content));
    EXPECT_TRUE(Send(file, content, 0).ok());
    return file;
  }
  // One stream of upload from this offset.
  absl::Status Send(const v1::FileEntry& file, const std::string& data, int64_t offset) {
    v1::BlobService::Stub stub(channel_);
    const auto context = MakeContext(absl::Seconds(30));
    v1::UploadBlobResponse response;
    const auto stream = stub.UploadBlob(context.get(), &response);
    v1::UploadBlobRequest header, chunk;
    header.mutable_header()->set_sha256(file.sha256());
    header.mutable_header()->set_size_bytes(file.size_bytes());
    header.mutable_header()->set_offset(offset);
    chunk.mutable_chunk()->set_data(data);
    chunk.mutable_chunk()->set_sha256(absl::HexStringToBytes(Sha256Hex(data)));
    stream->Write(header);
    stream->Write(chunk);
    stream->WritesDone();
    return FromGrpcStatus(stream->Finish());
  }
  v1::StatBlobsResponse::BlobStatus Stat(const std::string& sha256) {
    v1::StatBlobsRequest request;
    request.add_sha256(sha256);
    const auto response = Call(&v1::BlobService::Stub::StatBlobs, request);
    EXPECT_TRUE(response.ok() && response->blobs_size() == 1) << response.status();
    return response.ok() ? response->blobs(0) : v1::StatBlobsResponse::BlobStatus();
  }

  absl::StatusOr<v1::Dataset> CreateDataset(const std::string& id, const std::string& rows) {
    v1::CreateDatasetRequest request;
    request.set_dataset_id(id);
    *request.mutable_dataset()->mutable_file() = Upload(rows);
    return Call(&v1::DatasetService::Stub::CreateDataset, request);
  }
  absl::Status DeleteDataset(const std::string& name) {
    v1::DeleteDatasetRequest request;
    request.set_name(name);
    return Call(&v1::DatasetService::Stub::DeleteDataset, request).status();
  }

  // With models/tiny and datasets/rows.
  v1::CreateJobRequest JobRequest(const std::string& id) {
    world_->MakeModel();
    EXPECT_TRUE(CreateDataset("rows", kRow).ok());
    v1::CreateJobRequest request;
    request.set_job_id(id);
    request.mutable_job()->mutable_spec()->set_model("models/tiny");
    request.mutable_job()->mutable_spec()->set_max_length(64);
    request.mutable_job()->mutable_spec()->add_datasets()->set_dataset("datasets/rows");
    return request;
  }
  absl::Status CheckData(const v1::CreateJobRequest& request) {
    v1::CheckJobDataRequest check;
    *check.mutable_job() = request.job();
    return EndOf(&v1::JobService::Stub::CheckJobData, check);
  }

  absl::StatusOr<v1::Job> CreateJob(const v1::CreateJobRequest& request) {
    return Call(&v1::JobService::Stub::CreateJob, request);
  }
  absl::StatusOr<v1::Job> GetJob(const std::string& name) {
    v1::GetJobRequest request;
    request.set_name(name);
    return Call(&v1::JobService::Stub::GetJob, request);
  }
  absl::StatusOr<v1::Job> CancelJob(const std::string& name) {
    v1::CancelJobRequest request;
    request.set_name(name);
    return Call(&v1::JobService::Stub::CancelJob, request);
  }
  std::vector<std::string> JobsIn(v1::Job::State state) {
    v1::ListJobsRequest request;
    request.set_page_size(100);
    request.add_states(state);
    const auto response = Call(&v1::JobService::Stub::ListJobs, request);
    std::vector<std::string> names;
    if (!response.ok()) return {response.status().ToString()};
    for (const v1::Job& job : response->jobs()) names.push_back(job.name());
    return names;
  }

  static constexpr char kRow[] = R"({"prompt": "What is 5 plus 6?", "response": "11"})";

  const std::unique_ptr<World> world_ = GetParam()();
  const std::shared_ptr<grpc::Channel> channel_ = world_->channel();
};

TEST_P(SchedulerConformance, DataIsCheckedBeforeTheJobIsQueued) {
  const v1::CreateJobRequest request = JobRequest("x");
  EXPECT_TRUE(CheckData(request).ok());
  EXPECT_TRUE(CreateJob(request).ok());
}

TEST_P(SchedulerConformance, AJobIsQueuedUnderItsName) {
  v1::CreateJobRequest request = JobRequest("x");
  (*request.mutable_job()->mutable_labels())["team"] = "nlp";
  const auto job = CreateJob(request);
  ASSERT_TRUE(job.ok()) << job.status();
  EXPECT_EQ(job->name(), "jobs/x");
  EXPECT_EQ(job->state(), v1::Job::QUEUED);
  const auto read = GetJob("jobs/x");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->spec().model(), "models/tiny");
  EXPECT_EQ(read->labels().at("team"), "nlp");
}

TEST_P(SchedulerConformance, AJobWithoutAnIdGetsOne) {
  const auto job = CreateJob(JobRequest(""));
  ASSERT_TRUE(job.ok()) << job.status();
  EXPECT_GT(job->name().size(), std::string("jobs/").size());
  EXPECT_TRUE(GetJob(job->name()).ok());
}

TEST_P(SchedulerConformance, ADryRunStoresNothing) {
  v1::CreateJobRequest request = JobRequest("x");
  request.set_validate_only(true);
  ASSERT_TRUE(CreateJob(request).ok());
  EXPECT_EQ(GetJob("jobs/x").status().code(), absl::StatusCode::kNotFound);
}

TEST_P(SchedulerConformance, TheSameRequestAgainIsTheSameJob) {
  v1::CreateJobRequest request = JobRequest("x");
  request.set_request_id("b1a1a2f0-3c1e-4d55-9f0e-2d7a3c1b5e6f");
  ASSERT_TRUE(CreateJob(request).ok());
  const auto again = CreateJob(request);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->name(), "jobs/x");
  EXPECT_THAT(JobsIn(v1::Job::QUEUED), ElementsAre("jobs/x"));
}

TEST_P(SchedulerConformance, ATakenNameIsAlreadyExists) {
  const v1::CreateJobRequest request = JobRequest("x");
  ASSERT_TRUE(CreateJob(request).ok());
  EXPECT_EQ(CreateJob(request).status().code(), absl::StatusCode::kAlreadyExists);
}

TEST_P(SchedulerConformance, ACancelledJobIsListedAsSuch) {
  ASSERT_TRUE(CreateJob(JobRequest("x")).ok());
  ASSERT_TRUE(CreateJob(JobRequest("y")).ok());
  EXPECT_THAT(JobsIn(v1::Job::QUEUED), UnorderedElementsAre("jobs/x", "jobs/y"));
  const auto job = CancelJob("jobs/x");
  ASSERT_TRUE(job.ok()) << job.status();
  EXPECT_EQ(job->state(), v1::Job::CANCELLED);
  EXPECT_THAT(JobsIn(v1::Job::QUEUED), ElementsAre("jobs/y"));
  EXPECT_THAT(JobsIn(v1::Job::CANCELLED), ElementsAre("jobs/x"));
  EXPECT_THAT(JobsIn(v1::Job::FAILED), IsEmpty());
}

TEST_P(SchedulerConformance, OrdersMoveAQueuedJob) {
  ASSERT_TRUE(CreateJob(JobRequest("x")).ok());
  v1::PauseJobRequest pause;
  pause.set_name("jobs/x");
  pause.set_validate_only(true);
  EXPECT_EQ(Call(&v1::JobService::Stub::PauseJob, pause)->state(), v1::Job::PAUSED);
  EXPECT_THAT(JobsIn(v1::Job::QUEUED), ElementsAre("jobs/x"));
  pause.set_validate_only(false);
  EXPECT_EQ(Call(&v1::JobService::Stub::PauseJob, pause)->state(), v1::Job::PAUSED);
  EXPECT_THAT(JobsIn(v1::Job::PAUSED), ElementsAre("jobs/x"));
  v1::ResumeJobRequest resume;
  resume.set_name("jobs/x");
  EXPECT_EQ(Call(&v1::JobService::Stub::ResumeJob, resume)->state(), v1::Job::QUEUED);
  ASSERT_TRUE(CancelJob("jobs/x").ok());
  v1::RetryJobRequest retry;
  retry.set_name("jobs/x");
  EXPECT_EQ(Call(&v1::JobService::Stub::RetryJob, retry)->state(), v1::Job::QUEUED);
}

TEST_P(SchedulerConformance, WhatIsNotThereIsNotFound) {
  v1::WatchJobRequest watch;
  watch.set_name("jobs/none");
  v1::StreamJobLogsRequest logs;
  logs.set_name("jobs/none");
  v1::GetCheckpointRequest checkpoint;
  checkpoint.set_name("jobs/none/checkpoints/final");
  v1::GetWorkerRequest worker;
  worker.set_name("workers/none");
  v1::DownloadBlobRequest blob;
  blob.set_sha256(Sha256Hex("none"));
  for (const absl::Status& status :
       {GetJob("jobs/none").status(), CancelJob("jobs/none").status(),
        EndOf(&v1::JobService::Stub::WatchJob, watch),
        EndOf(&v1::JobService::Stub::StreamJobLogs, logs), DeleteDataset("datasets/none"),
        Call(&v1::CheckpointService::Stub::GetCheckpoint, checkpoint).status(),
        Call(&v1::WorkerService::Stub::GetWorker, worker).status(),
        EndOf(&v1::BlobService::Stub::DownloadBlob, blob)}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kNotFound) << status;
  }
}

TEST_P(SchedulerConformance, ADatasetOfThatContentIsNoConflict) {
  ASSERT_TRUE(CreateDataset("d", kRow).ok());
  const auto again = CreateDataset("d", kRow);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->name(), "datasets/d");
  const std::string other = R"({"prompt": "a", "response": "b"})";
  EXPECT_EQ(CreateDataset("d", other).status().code(), absl::StatusCode::kAlreadyExists);
}

TEST_P(SchedulerConformance, ADeletedDatasetIsGone) {
  ASSERT_TRUE(CreateDataset("d", kRow).ok());
  EXPECT_TRUE(DeleteDataset("datasets/d").ok());
  EXPECT_EQ(DeleteDataset("datasets/d").code(), absl::StatusCode::kNotFound);
}

TEST_P(SchedulerConformance, PagesHoldEachDatasetOnce) {
  for (const char* id : {"a", "b", "c"}) ASSERT_TRUE(CreateDataset(id, kRow).ok());
  std::vector<std::string> names;
  v1::ListDatasetsRequest request;
  request.set_page_size(2);
  do {
    const auto page = Call(&v1::DatasetService::Stub::ListDatasets, request);
    ASSERT_TRUE(page.ok()) << page.status();
    EXPECT_LE(page->datasets_size(), 2);
    for (const v1::Dataset& dataset : page->datasets()) names.push_back(dataset.name());
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  EXPECT_THAT(names, UnorderedElementsAre("datasets/a", "datasets/b", "datasets/c"));
}

TEST_P(SchedulerConformance, AnUploadGoesOnFromWhatWasReceived) {
  const std::string content = "The first half, the second half.";
  v1::FileEntry file;
  file.set_size_bytes(static_cast<int64_t>(content.size()));
  file.set_sha256(Sha256Hex(content));
  EXPECT_FALSE(Stat(file.sha256()).complete());
  EXPECT_FALSE(Send(file, content.substr(0, 15), 0).ok());
  EXPECT_FALSE(Stat(file.sha256()).complete());
  EXPECT_EQ(Stat(file.sha256()).received_bytes(), 15);
  EXPECT_FALSE(Send(file, content.substr(20), 20).ok()) << "a gap";
  EXPECT_TRUE(Send(file, content.substr(15), 15).ok());
  EXPECT_TRUE(Stat(file.sha256()).complete());
  EXPECT_TRUE(Send(file, content, 0).ok()) << "once more is no error";
}

TEST_P(SchedulerConformance, OtherContentThanTheHashSaysIsDataLoss) {
  v1::FileEntry file;
  file.set_size_bytes(5);
  file.set_sha256(Sha256Hex("hello"));
  EXPECT_EQ(Send(file, "hullo", 0).code(), absl::StatusCode::kDataLoss);
  EXPECT_FALSE(Stat(file.sha256()).complete());
  EXPECT_TRUE(Send(file, "hello", 0).ok()) << "what was wrong is thrown away";
}

template <class T>
std::unique_ptr<World> Make() {
  return std::make_unique<T>();
}

INSTANTIATE_TEST_SUITE_P(Scripted, SchedulerConformance, ::testing::Values(&Make<ScriptedWorld>));
INSTANTIATE_TEST_SUITE_P(Real, SchedulerConformance, ::testing::Values(&Make<RealWorld>));

}  // namespace
}  // namespace tune::client
