#include "tests/unit/client/scheduler_fixture.h"

#include "absl/strings/escaping.h"
#include "base/files.h"
#include "base/sha256.h"
#include "proto/wire/convert.h"
#include "proto/wire/transport.h"

namespace tune::client {
namespace {

grpc::Status NotFound(const std::string& name) {
  return grpc::Status(grpc::StatusCode::NOT_FOUND, name + " does not exist");
}

template <typename Message>
grpc::Status Find(const std::map<std::string, Message>& map, const std::string& name,
                  Message* message) {
  const auto found = map.find(name);
  if (found == map.end()) return NotFound(name);
  *message = found->second;
  return grpc::Status::OK;
}

std::string RawHash(const std::string& data) { return absl::HexStringToBytes(Sha256Hex(data)); }

constexpr int64_t kStart = 1'764'000'000;  // 2025-11-24T16:00:00Z

}  // namespace

grpc::Status JobsFixture::CreateJob(grpc::ServerContext*, const v1::CreateJobRequest* request,
                                    v1::Job* job) {
  created.push_back(*request);
  if (!create_answers.empty()) {
    const grpc::Status answer = create_answers.front();
    create_answers.pop_front();
    return answer;
  }
  *job = request->job();
  job->set_name("jobs/" + (request->job_id().empty() ? "made-up" : request->job_id()));
  job->set_state(v1::Job::QUEUED);
  if (!request->validate_only()) jobs[job->name()] = *job;
  return grpc::Status::OK;
}

grpc::Status JobsFixture::GetJob(grpc::ServerContext*, const v1::GetJobRequest* request,
                                 v1::Job* job) {
  return Find(jobs, request->name(), job);
}

grpc::Status JobsFixture::ListJobs(grpc::ServerContext* context, const v1::ListJobsRequest* request,
                                   v1::ListJobsResponse* response) {
  const auto user = context->client_metadata().find("tune-user");
  list_users.push_back(user == context->client_metadata().end()
                           ? ""
                           : std::string(user->second.data(), user->second.size()));
  for (const auto& [name, job] : jobs) {
    bool wanted = request->states().empty();
    for (const int state : request->states()) wanted = wanted || state == job.state();
    if (wanted && response->jobs_size() < request->page_size()) *response->add_jobs() = job;
  }
  return grpc::Status::OK;
}

grpc::Status JobsFixture::CancelJob(grpc::ServerContext*, const v1::CancelJobRequest* request,
                                    v1::Job* job) {
  cancelled.push_back(*request);
  const grpc::Status found = Find(jobs, request->name(), job);
  job->set_state(v1::Job::CANCELLED);
  return found;
}

grpc::Status JobsFixture::WatchJob(grpc::ServerContext*, const v1::WatchJobRequest* request,
                                   grpc::ServerWriter<v1::WatchJobResponse>* writer) {
  watched_after.push_back(request->after_seq());
  if (watches.empty()) return NotFound(request->name());
  const WatchScript script = watches.front();
  watches.pop_front();
  for (const v1::WatchJobResponse& batch : script.batches) writer->Write(batch);
  return script.end;
}

grpc::Status JobsFixture::StreamJobLogs(grpc::ServerContext*,
                                        const v1::StreamJobLogsRequest* request,
                                        grpc::ServerWriter<v1::StreamJobLogsResponse>* writer) {
  log_requests.push_back(*request);
  v1::StreamJobLogsResponse response;
  const bool breaks = !broken_logs.empty();
  response.set_data(breaks ? broken_logs.front() : log);
  if (breaks) broken_logs.pop_front();
  writer->Write(response);
  return breaks ? grpc::Status(grpc::StatusCode::UNAVAILABLE, "Socket closed") : grpc::Status::OK;
}

std::string BlobsFixture::PathOf(const std::string& sha256) const {
  return JoinPath(folder_, sha256);
}

v1::FileEntry BlobsFixture::Put(const std::string& path, const std::string& content) {
  v1::FileEntry entry;
  entry.set_path(path);
  entry.set_size_bytes(static_cast<int64_t>(content.size()));
  entry.set_sha256(Sha256Hex(content));
  (void)WriteFileDurably(PathOf(entry.sha256()), content);
  return entry;
}

grpc::Status BlobsFixture::StatBlobs(grpc::ServerContext*, const v1::StatBlobsRequest* request,
                                     v1::StatBlobsResponse* response) {
  for (const std::string& sha256 : request->sha256()) {
    auto* blob = response->add_blobs();
    blob->set_sha256(sha256);
    blob->set_complete(Exists(PathOf(sha256)));
  }
  return grpc::Status::OK;
}

grpc::Status BlobsFixture::UploadBlob(grpc::ServerContext*,
                                      grpc::ServerReader<v1::UploadBlobRequest>* reader,
                                      v1::UploadBlobResponse* response) {
  v1::UploadBlobRequest request;
  std::string content;
  while (reader->Read(&request)) {
    if (request.has_header()) response->set_sha256(request.header().sha256());
    if (request.has_chunk()) content += request.chunk().data();
  }
  if (Sha256Hex(content) != response->sha256()) {
    return grpc::Status(grpc::StatusCode::DATA_LOSS, "wrong hash");
  }
  Put("", content);
  return grpc::Status::OK;
}

grpc::Status BlobsFixture::DownloadBlob(grpc::ServerContext*,
                                        const v1::DownloadBlobRequest* request,
                                        grpc::ServerWriter<v1::DownloadBlobResponse>* writer) {
  download_offsets.push_back(request->offset());
  const auto content = ReadFile(PathOf(request->sha256()));
  if (!content.ok()) return NotFound(request->sha256());
  std::string rest = content->substr(request->offset());
  if (!break_with.ok()) rest.resize(std::min<size_t>(rest.size(), break_after));
  for (size_t at = 0; at < rest.size(); at += kChunkBytes) {
    v1::DownloadBlobResponse response;
    response.mutable_chunk()->set_data(rest.substr(at, kChunkBytes));
    response.mutable_chunk()->set_sha256(RawHash(response.chunk().data()));
    writer->Write(response);
  }
  return break_with;
}

grpc::Status RegistryFixture::CreateDataset(grpc::ServerContext*,
                                            const v1::CreateDatasetRequest* request,
                                            v1::Dataset* dataset) {
  *dataset = request->dataset();
  dataset->set_name("datasets/" + request->dataset_id());
  const auto [place, fresh] = datasets.emplace(dataset->name(), *dataset);
  if (fresh || place->second.file().sha256() == dataset->file().sha256()) return grpc::Status::OK;
  return grpc::Status(grpc::StatusCode::ALREADY_EXISTS, dataset->name() + " has other content");
}

// Pages of two, to make a list of three go on.
grpc::Status RegistryFixture::ListDatasets(grpc::ServerContext*,
                                           const v1::ListDatasetsRequest* request,
                                           v1::ListDatasetsResponse* response) {
  page_tokens.push_back(request->page_token());
  auto next = datasets.upper_bound(request->page_token());
  const int size = std::min(2, request->page_size());
  for (; next != datasets.end() && response->datasets_size() < size; ++next) {
    *response->add_datasets() = next->second;
  }
  if (next != datasets.end()) response->set_next_page_token(std::prev(next)->first);
  return grpc::Status::OK;
}

grpc::Status RegistryFixture::DeleteDataset(grpc::ServerContext*,
                                            const v1::DeleteDatasetRequest* request,
                                            google::protobuf::Empty*) {
  const bool was_there = datasets.erase(request->name()) > 0;
  if (!lost_deletes.empty()) {
    const grpc::Status told = lost_deletes.front();
    lost_deletes.pop_front();
    return told;
  }
  return was_there ? grpc::Status::OK : NotFound(request->name());
}

grpc::Status CheckpointsFixture::GetCheckpoint(grpc::ServerContext*,
                                               const v1::GetCheckpointRequest* request,
                                               v1::Checkpoint* checkpoint) {
  return Find(checkpoints, request->name(), checkpoint);
}

grpc::Status CheckpointsFixture::ListCheckpoints(grpc::ServerContext*,
                                                 const v1::ListCheckpointsRequest*,
                                                 v1::ListCheckpointsResponse* response) {
  for (const auto& [name, checkpoint] : checkpoints) *response->add_checkpoints() = checkpoint;
  return grpc::Status::OK;
}

SchedulerFixture::SchedulerFixture(const std::string& folder) : blobs(folder) {
  grpc::ServerBuilder builder;
  SetServerLimits(builder);
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&jobs);
  builder.RegisterService(&blobs);
  builder.RegisterService(&registry);
  builder.RegisterService(&checkpoints);
  builder.RegisterService(&workers);
  server_ = builder.BuildAndStart();
  address_ = "127.0.0.1:" + std::to_string(port);
}

grpc::Status WorkersFixture::GetWorker(grpc::ServerContext*, const v1::GetWorkerRequest* request,
                                       v1::Worker* worker) {
  for (const v1::Worker& known : workers) {
    if (known.name() != request->name()) continue;
    *worker = known;
    return grpc::Status::OK;
  }
  return NotFound(request->name());
}

grpc::Status WorkersFixture::ListWorkers(grpc::ServerContext*, const v1::ListWorkersRequest*,
                                         v1::ListWorkersResponse* response) {
  response->mutable_workers()->Assign(workers.begin(), workers.end());
  return grpc::Status::OK;
}

SchedulerFixture::~SchedulerFixture() { server_->Shutdown(std::chrono::system_clock::now()); }

v1::JobEvent StateEvent(v1::Job::State state, const std::string& worker) {
  v1::JobEvent event;
  event.mutable_state_change()->set_state(state);
  event.mutable_state_change()->set_worker(worker);
  return event;
}

v1::JobEvent StepEvent(int64_t step, int64_t total, double loss) {
  v1::JobEvent event;
  auto* s = event.mutable_training()->mutable_step();
  s->set_step(step);
  s->set_total_steps(total);
  s->set_epoch(2.0 * static_cast<double>(step) / static_cast<double>(total));
  s->set_loss(loss);
  s->set_learning_rate(9.2e-6);
  s->set_grad_norm(0.83);
  s->set_tokens(1000);
  s->set_seconds(0.5);
  return event;
}

v1::JobEvent TrainingEntry(const v1::TrainingEvent& training) {
  v1::JobEvent event;
  *event.mutable_training() = training;
  return event;
}

v1::WatchJobResponse Batch(std::vector<v1::JobEvent> events, const v1::Job& job, int64_t first_seq,
                           int64_t first_second) {
  v1::WatchJobResponse batch;
  for (v1::JobEvent& event : events) {
    event.set_seq(first_seq++);
    event.mutable_time()->set_seconds(kStart + first_second++);
    if (event.attempt() == 0) event.set_attempt(1);
    *batch.add_events() = std::move(event);
  }
  *batch.mutable_job() = job;
  return batch;
}

v1::Job MakeJob(const std::string& id, v1::Job::State state) {
  v1::Job job;
  job.set_name("jobs/" + id);
  job.set_state(state);
  job.mutable_spec()->set_epochs(2);
  job.mutable_create_time()->set_seconds(kStart);
  return job;
}

}  // namespace tune::client
