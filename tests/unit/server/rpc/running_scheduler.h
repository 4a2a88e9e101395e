// A whole scheduler in the test's process: real engine, SQLite and gRPC server on a free
// loopback port, its data in a temporary folder. And a worker's calls to it,
// all of them by the user "ada".
#pragma once

#include <prometheus/registry.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "proto/wire/blobs.h"
#include "proto/wire/status.h"
#include "proto/wire/transport.h"
#include "server/engine/engine.h"
#include "server/metrics/scheduler_metrics.h"
#include "server/rpc/rpc_server.h"
#include "tests/support/scratch_folder.h"
#include "tune/v1/jobs.grpc.pb.h"
#include "tune/v1/registry.grpc.pb.h"
#include "tune/v1/workers.grpc.pb.h"

namespace tune::server {

// Calls METHOD(context, request, &response) of a stub.
template <class Response, class Stub, class Request>
absl::StatusOr<Response> Call(Stub& stub,
                              grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                           Response*),
                              const Request& request) {
  Response response;
  const auto context = MakeContext(absl::Seconds(30));
  const absl::Status status = FromGrpcStatus((stub.*method)(context.get(), request, &response));
  if (!status.ok()) return status;
  return response;
}

class RunningScheduler {
 public:
  RunningScheduler();
  ~RunningScheduler();

  RpcServer& server() { return *server_; }
  Engine& engine() { return *engine_; }
  prometheus::Registry& registry() { return registry_; }
  SchedulerMetrics& metrics() { return metrics_; }
  const std::string& folder() const { return folder_.path(); }
  std::shared_ptr<grpc::Channel> channel() { return channel_; }

  v1::JobService::Stub& jobs() { return *jobs_; }
  v1::DatasetService::Stub& datasets() { return *datasets_; }
  v1::ModelService::Stub& models() { return *models_; }
  v1::CheckpointService::Stub& checkpoints() { return *checkpoints_; }
  v1::WorkerService::Stub& workers() { return *workers_; }
  v1::DispatchService::Stub& dispatch() { return *dispatch_; }
  v1::BlobService::Stub& blobs() { return *blobs_; }
  BlobClient& blob_client() { return blob_client_; }

  // Uploads `content` as a file of that name.
  v1::FileEntry Upload(const std::string& name, const std::string& content);
  absl::StatusOr<v1::Dataset> CreateDataset(const std::string& id, const std::string& rows);
  // A small random model, "models/tiny".
  absl::StatusOr<v1::Model> CreateModel();
  // A job on models/tiny and datasets/rows, both made where they are not there yet.
  absl::StatusOr<v1::Job> CreateJob(const std::string& id);

  // As workers/w.
  absl::Status Register();
  absl::StatusOr<v1::Lease> Acquire(int64_t wait_ms = 0);
  absl::StatusOr<int64_t> ReportStep(const v1::LeaseKey& key, int64_t seq, int64_t step);
  absl::StatusOr<v1::Checkpoint> Commit(const v1::LeaseKey& key, bool final,
                                        const v1::FileEntry& file);
  absl::Status Finish(const v1::LeaseKey& key, v1::FinishAttemptRequest::Outcome outcome);
  absl::StatusOr<int64_t> AppendLog(const v1::LeaseKey& key, int64_t offset,
                                    const std::string& data);

 private:
  const ScratchFolder folder_;
  SystemClock clock_;
  prometheus::Registry registry_;
  SchedulerMetrics metrics_{registry_};
  RpcMetrics rpc_metrics_{registry_, clock_};
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<RpcServer> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::JobService::Stub> jobs_;
  std::unique_ptr<v1::DatasetService::Stub> datasets_;
  std::unique_ptr<v1::ModelService::Stub> models_;
  std::unique_ptr<v1::CheckpointService::Stub> checkpoints_;
  std::unique_ptr<v1::WorkerService::Stub> workers_;
  std::unique_ptr<v1::DispatchService::Stub> dispatch_;
  std::unique_ptr<v1::BlobService::Stub> blobs_;
  BlobClient blob_client_;
  int requests_ = 0;
};

}  // namespace tune::server
