// A scheduler over real gRPC on loopback that keeps what it is given and answers with what a test
// set: states and failures that a real one could not be brought to at will. That its other answers
// are the real one's is shown by tests/unit/client/scheduler_conformance_test.cc.
#pragma once

#include <grpcpp/grpcpp.h>

#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tests/support/scripted/blobs.h"
#include "tests/support/scripted/loopback_server.h"
#include "tune/v1/jobs.grpc.pb.h"
#include "tune/v1/registry.grpc.pb.h"
#include "tune/v1/workers.grpc.pb.h"

namespace tune::testing {

// One WatchJob call: its batches, then how it ends.
struct WatchScript {
  std::vector<v1::WatchJobResponse> batches;
  grpc::Status end = grpc::Status::OK;
};

class ScriptedJobs : public v1::JobService::Service {
 public:
  grpc::Status CreateJob(grpc::ServerContext*, const v1::CreateJobRequest*, v1::Job*) override;
  grpc::Status CheckJobData(grpc::ServerContext*, const v1::CheckJobDataRequest*,
                            grpc::ServerWriter<v1::CheckJobDataResponse>*) override;
  grpc::Status GetJob(grpc::ServerContext*, const v1::GetJobRequest*, v1::Job*) override;
  grpc::Status ListJobs(grpc::ServerContext*, const v1::ListJobsRequest*,
                        v1::ListJobsResponse*) override;
  grpc::Status CancelJob(grpc::ServerContext*, const v1::CancelJobRequest*, v1::Job*) override;
  grpc::Status PauseJob(grpc::ServerContext*, const v1::PauseJobRequest*, v1::Job*) override;
  grpc::Status ResumeJob(grpc::ServerContext*, const v1::ResumeJobRequest*, v1::Job*) override;
  grpc::Status RetryJob(grpc::ServerContext*, const v1::RetryJobRequest*, v1::Job*) override;
  grpc::Status WatchJob(grpc::ServerContext*, const v1::WatchJobRequest*,
                        grpc::ServerWriter<v1::WatchJobResponse>*) override;
  grpc::Status StreamJobLogs(grpc::ServerContext*, const v1::StreamJobLogsRequest*,
                             grpc::ServerWriter<v1::StreamJobLogsResponse>*) override;

  std::map<std::string, v1::Job> jobs;
  std::deque<grpc::Status> create_answers;  // before the true one
  std::vector<v1::CreateJobRequest> created;
  int64_t planned_steps = 0;                         // of each job made
  std::vector<v1::CheckJobDataResponse> check_news;  // of each check
  std::function<void()> before_check_news = [] {};
  grpc::Status check_end = grpc::Status::OK;
  std::vector<std::string> list_users;  // who called ListJobs
  std::vector<v1::CancelJobRequest> cancelled;
  std::deque<WatchScript> watches;
  std::vector<int64_t> watched_after;
  std::vector<v1::StreamJobLogsRequest> log_requests;
  std::string log;
  std::deque<std::string> broken_logs;  // what each stream brings before it breaks

 private:
  // The job in this state; with `validate_only` it stays in its own.
  template <class Request>
  grpc::Status Move(const Request& request, v1::Job::State state, v1::Job* job);

  std::map<std::string, std::string> names_;  // of the jobs made, by request_id
};

class ScriptedDatasets : public v1::DatasetService::Service {
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

class ScriptedCheckpoints : public v1::CheckpointService::Service {
 public:
  grpc::Status GetCheckpoint(grpc::ServerContext*, const v1::GetCheckpointRequest*,
                             v1::Checkpoint*) override;
  grpc::Status ListCheckpoints(grpc::ServerContext*, const v1::ListCheckpointsRequest*,
                               v1::ListCheckpointsResponse*) override;

  std::map<std::string, v1::Checkpoint> checkpoints;
};

class ScriptedWorkers : public v1::WorkerService::Service {
 public:
  grpc::Status GetWorker(grpc::ServerContext*, const v1::GetWorkerRequest*, v1::Worker*) override;
  grpc::Status ListWorkers(grpc::ServerContext*, const v1::ListWorkersRequest*,
                           v1::ListWorkersResponse*) override;
  grpc::Status CordonWorker(grpc::ServerContext*, const v1::CordonWorkerRequest*,
                            v1::Worker*) override;
  grpc::Status UncordonWorker(grpc::ServerContext*, const v1::UncordonWorkerRequest*,
                              google::protobuf::Empty*) override;

  std::vector<v1::Worker> workers;
  int64_t looks_until_idle = 0;  // so many GetWorkers find a cordoned worker's jobs still there
};

// Its services on a loopback port, and what they hold and are told to answer.
struct ScriptedScheduler {
  const std::string& address() const { return server.address(); }

  ScriptedJobs jobs;
  ScriptedBlobs blobs;
  ScriptedDatasets datasets;
  ScriptedCheckpoints checkpoints;
  ScriptedWorkers workers;
  LoopbackServer server{{&jobs, &blobs, &datasets, &checkpoints, &workers}};
};

}  // namespace tune::testing
