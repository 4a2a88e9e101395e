#include "tests/unit/server/rpc/running_scheduler.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/sha256.h"
#include "base/status.h"
#include "recipe/model/model_family.h"
#include "recipe/model/model_files.h"
#include "recipe/model/model_init.h"
#include "run/spec.h"
#include "tests/support/paths.h"

namespace tune::server {
namespace {

// The demo's model, made as small as can be.
absl::Status MakeTinyModel(const std::string& path) {
  ASSIGN_OR_RETURN(Json json, ReadJsonFile(SourceFile("deploy/demo/config.json")));
  json["hidden_size"] = 8;
  json["intermediate_size"] = 8;
  json["num_hidden_layers"] = 1;
  json["num_attention_heads"] = 2;
  json["num_key_value_heads"] = 2;
  ASSIGN_OR_RETURN(const ModelConfig config, ModelConfigFromJson(json));
  return InitModelFolder(path, config, SourceFile("deploy/demo/tokenizer.json"), 0);
}

}  // namespace

RunningScheduler::RunningScheduler()
    : engine_(*Engine::Open(folder_ / "data", clock_, metrics_)),
      server_(*RpcServer::Start(*engine_, clock_, "127.0.0.1:0", grpc::InsecureServerCredentials(),
                                rpc_metrics_,
                                {metrics_.uploaded_bytes(), metrics_.downloaded_bytes()})),
      channel_(MakeChannel(server_->address(), grpc::InsecureChannelCredentials(), "ada")),
      jobs_(v1::JobService::NewStub(channel_)),
      datasets_(v1::DatasetService::NewStub(channel_)),
      models_(v1::ModelService::NewStub(channel_)),
      checkpoints_(v1::CheckpointService::NewStub(channel_)),
      workers_(v1::WorkerService::NewStub(channel_)),
      dispatch_(v1::DispatchService::NewStub(channel_)),
      blobs_(v1::BlobService::NewStub(channel_)),
      blob_client_(channel_, [](absl::Duration) {}) {}

RunningScheduler::~RunningScheduler() {
  server_.reset();
  engine_.reset();
}

v1::FileEntry RunningScheduler::Upload(const std::string& name, const std::string& content) {
  const std::string path = folder_ / "upload";
  EXPECT_TRUE(WriteFileDurably(path, content).ok());
  v1::FileEntry file;
  file.set_path(name);
  file.set_size_bytes(static_cast<int64_t>(content.size()));
  file.set_sha256(Sha256Hex(content));
  const absl::Status status = blob_client_.Upload(path, file.sha256(), file.size_bytes());
  EXPECT_TRUE(status.ok()) << status;
  return file;
}

absl::StatusOr<v1::Dataset> RunningScheduler::CreateDataset(const std::string& id,
                                                            const std::string& rows) {
  v1::CreateDatasetRequest request;
  request.set_dataset_id(id);
  *request.mutable_dataset()->mutable_file() = Upload("train.jsonl", rows);
  return Call(*datasets_, &v1::DatasetService::Stub::CreateDataset, request);
}

absl::StatusOr<v1::Model> RunningScheduler::CreateModel() {
  const std::string path = folder_ / "tiny";
  if (!Exists(path)) RETURN_IF_ERROR(MakeTinyModel(path));
  v1::CreateModelRequest request;
  request.set_model_id("tiny");
  ASSIGN_OR_RETURN(const auto names, ModelFiles(path));
  for (const std::string& name : names) {
    ASSIGN_OR_RETURN(const std::string content, ReadFile(JoinPath(path, name)));
    *request.mutable_model()->add_files() = Upload(name, content);
  }
  return Call(*models_, &v1::ModelService::Stub::CreateModel, request);
}

absl::StatusOr<v1::Job> RunningScheduler::CreateJob(const std::string& id) {
  RETURN_IF_ERROR(CreateModel().status());
  RETURN_IF_ERROR(
      CreateDataset("rows", R"({"prompt": "What is 5 plus 6?", "response": "11"})").status());
  v1::CreateJobRequest request;
  request.set_job_id(id);
  request.mutable_job()->mutable_spec()->set_model("models/tiny");
  request.mutable_job()->mutable_spec()->set_max_length(64);
  request.mutable_job()->mutable_spec()->add_datasets()->set_dataset("datasets/rows");
  return Call(*jobs_, &v1::JobService::Stub::CreateJob, request);
}

absl::Status RunningScheduler::Register() {
  v1::RegisterWorkerRequest request;
  request.set_worker_id("w");
  request.set_incarnation("i1");
  request.set_version("0.1.0");
  request.set_trainer_version("0.1.0");
  for (const SpecField& field : SpecFields()) request.add_spec_fields(field.path);
  request.mutable_resources()->set_cpus(2);
  request.mutable_resources()->set_host_memory_bytes(int64_t{8} << 30);
  request.mutable_resources()->set_free_disk_bytes(int64_t{8} << 30);
  return Call(*dispatch_, &v1::DispatchService::Stub::RegisterWorker, request).status();
}

absl::StatusOr<v1::Lease> RunningScheduler::Acquire(int64_t wait_ms) {
  v1::AcquireLeaseRequest request;
  request.set_worker("workers/w");
  request.set_incarnation("i1");
  request.set_request_id(absl::StrCat("request-", requests_++));
  request.set_wait_ms(wait_ms);
  ASSIGN_OR_RETURN(const v1::AcquireLeaseResponse response,
                   Call(*dispatch_, &v1::DispatchService::Stub::AcquireLease, request));
  if (!response.has_lease()) return absl::NotFoundError("no lease");
  return response.lease();
}

absl::StatusOr<int64_t> RunningScheduler::ReportStep(const v1::LeaseKey& key, int64_t seq,
                                                     int64_t step) {
  v1::ReportEventsRequest request;
  *request.mutable_key() = key;
  request.set_first_seq(seq);
  v1::TrainingEvent::Step* event = request.add_events()->mutable_step();
  event->set_step(step);
  event->set_total_steps(10);
  event->set_loss(2.5);
  event->set_tokens(100);
  event->set_seconds(0.5);
  ASSIGN_OR_RETURN(const v1::ReportEventsResponse response,
                   Call(*dispatch_, &v1::DispatchService::Stub::ReportEvents, request));
  return response.last_seq();
}

absl::StatusOr<v1::Checkpoint> RunningScheduler::Commit(const v1::LeaseKey& key, bool final,
                                                        const v1::FileEntry& file) {
  v1::CommitCheckpointRequest request;
  *request.mutable_key() = key;
  request.set_step(10);
  request.set_loss(1.5);
  request.set_final(final);
  *request.add_files() = file;
  return Call(*dispatch_, &v1::DispatchService::Stub::CommitCheckpoint, request);
}

absl::Status RunningScheduler::Finish(const v1::LeaseKey& key,
                                      v1::FinishAttemptRequest::Outcome outcome) {
  v1::FinishAttemptRequest request;
  *request.mutable_key() = key;
  request.set_outcome(outcome);
  return Call(*dispatch_, &v1::DispatchService::Stub::FinishAttempt, request).status();
}

absl::StatusOr<int64_t> RunningScheduler::AppendLog(const v1::LeaseKey& key, int64_t offset,
                                                    const std::string& data) {
  v1::AppendLogsRequest request;
  *request.mutable_key() = key;
  request.set_offset(offset);
  request.set_data(data);
  ASSIGN_OR_RETURN(const v1::AppendLogsResponse response,
                   Call(*dispatch_, &v1::DispatchService::Stub::AppendLogs, request));
  return response.size_bytes();
}

}  // namespace tune::server
