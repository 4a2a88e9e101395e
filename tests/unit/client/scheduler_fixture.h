// A scheduler for tunectl's tests: the real contract over real gRPC on loopback, blobs
// as files in a folder. It keeps what it is given and answers with what a test set.
#pragma once

#include <grpcpp/grpcpp.h>

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "tune/v1/jobs.grpc.pb.h"
#include "tune/v1/registry.grpc.pb.h"
#include "tune/v1/workers.grpc.pb.h"

namespace tune::client {

// One WatchJob call: its batches, then how it ends.
struct WatchScript {
  std::vector<v1::WatchJobResponse> batches;
  grpc::Status end = grpc::Status::OK;
};

class JobsFixture : public v1::JobService::Service {
 public:
  grpc::Status CreateJob(grpc::ServerContext*, const v1::CreateJobRequest*, v1::Job*) override;
  grpc::Status GetJob(grpc::ServerContext*, const v1::GetJobRequest*, v1::Job*) override;
  grpc::Status ListJobs(grpc::ServerContext*, const v1::ListJobsRequest*,
                        v1::ListJobsResponse*) override;
  grpc::Status CancelJob(grpc::ServerContext*, const v1::CancelJobRequest*, v1::Job*) override;
  grpc::Status WatchJob(grpc::ServerContext*, const v1::WatchJobRequest*,
                        grpc::ServerWriter<v1::WatchJobResponse>*) override;
  grpc::Status StreamJobLogs(grpc::ServerContext*, const v1::StreamJobLogsRequest*,
                             grpc::ServerWriter<v1::StreamJobLogsResponse>*) override;

  std::map<std::string, v1::Job> jobs;
  std::deque<grpc::Status> create_answers;  // before the true one
  std::vector<v1::CreateJobRequest> created;
  std::vector<std::string> list_users;  // who called ListJobs
  std::vector<v1::CancelJobRequest> cancelled;
  std::deque<WatchScript> watches;
  std::vector<int64_t> watched_after;
  std::vector<v1::StreamJobLogsRequest> log_requests;
  std::string log;
  std::deque<std::string> broken_logs;  // what each stream brings before it breaks
};

class BlobsFixture : public v1::BlobService::Service {
 public:
  explicit BlobsFixture(std::string folder) : folder_(std::move(folder)) {}
  grpc::Status StatBlobs(grpc::ServerContext*, const v1::StatBlobsRequest*,
                         v1::StatBlobsResponse*) override;
  grpc::Status UploadBlob(grpc::ServerContext*, grpc::ServerReader<v1::UploadBlobRequest>*,
                          v1::UploadBlobResponse*) override;
  grpc::Status DownloadBlob(grpc::ServerContext*, const v1::DownloadBlobRequest*,
                            grpc::ServerWriter<v1::DownloadBlobResponse>*) override;

  // Puts content into the store; returns its entry.
  v1::FileEntry Put(const std::string& path, const std::string& content);

  // Ends each download with this after so many of its bytes.
  grpc::Status break_with = grpc::Status::OK;
  int64_t break_after = 0;
  std::vector<int64_t> download_offsets;

 private:
  std::string PathOf(const std::string& sha256) const;
  const std::string folder_;
};

class RegistryFixture : public v1::DatasetService::Service {
 public:
  grpc::Status CreateDataset(grpc::ServerContext*, const v1::CreateDatasetRequest*,
                             v1::Dataset*) override;
  grpc::Status ListDatasets(grpc::ServerContext*, const v1::ListDatasetsRequest*,
                            v1::ListDatasetsResponse*) override;
  grpc::Status DeleteDataset(grpc::ServerContext*, const v1::DeleteDatasetRequest*,
                             google::protobuf::Empty*) override;

  std::map<std::string, v1::Dataset> datasets;
  std::deque<grpc::Status> lost_deletes;  // told in place of the true answer
  std::vector<std::string> page_tokens;
};

class CheckpointsFixture : public v1::CheckpointService::Service {
 public:
  grpc::Status GetCheckpoint(grpc::ServerContext*, const v1::GetCheckpointRequest*,
                             v1::Checkpoint*) override;
  grpc::Status ListCheckpoints(grpc::ServerContext*, const v1::ListCheckpointsRequest*,
                               v1::ListCheckpointsResponse*) override;

  std::map<std::string, v1::Checkpoint> checkpoints;
};

class WorkersFixture : public v1::WorkerService::Service {
 public:
  grpc::Status GetWorker(grpc::ServerContext*, const v1::GetWorkerRequest*, v1::Worker*) override;
  grpc::Status ListWorkers(grpc::ServerContext*, const v1::ListWorkersRequest*,
                           v1::ListWorkersResponse*) override;

  std::vector<v1::Worker> workers;
};

class SchedulerFixture {
 public:
  explicit SchedulerFixture(const std::string& folder);
  ~SchedulerFixture();
  const std::string& address() const { return address_; }

  JobsFixture jobs;
  BlobsFixture blobs;
  RegistryFixture registry;
  CheckpointsFixture checkpoints;
  WorkersFixture workers;

 private:
  std::string address_;
  std::unique_ptr<grpc::Server> server_;
};

// Entries of a history, their seq set from `first_seq`, at seconds from `start`.
v1::JobEvent StateEvent(v1::Job::State state, const std::string& worker = "");
v1::JobEvent StepEvent(int64_t step, int64_t total, double loss);
v1::JobEvent TrainingEntry(const v1::TrainingEvent& event);
v1::WatchJobResponse Batch(std::vector<v1::JobEvent> events, const v1::Job& job,
                           int64_t first_seq = 1, int64_t first_second = 1);
v1::Job MakeJob(const std::string& id, v1::Job::State state);

}  // namespace tune::client
