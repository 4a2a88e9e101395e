#include "tests/support/scripted/scheduler.h"

#include <algorithm>
#include <iterator>

namespace tune::testing {
namespace {

grpc::Status NotFound(const std::string& name) {
  return grpc::Status(grpc::StatusCode::NOT_FOUND, name + " does not exist");
}

grpc::Status AlreadyExists(const std::string& what) {
  return grpc::Status(grpc::StatusCode::ALREADY_EXISTS, what);
}

template <typename Message>
grpc::Status Find(const std::map<std::string, Message>& map, const std::string& name,
                  Message* message) {
  const auto found = map.find(name);
  if (found == map.end()) return NotFound(name);
  *message = found->second;
  return grpc::Status::OK;
}

}  // namespace

grpc::Status ScriptedJobs::CreateJob(grpc::ServerContext*, const v1::CreateJobRequest* request,
                                     v1::Job* job) {
  created.push_back(*request);
  if (!create_answers.empty()) {
    const grpc::Status answer = create_answers.front();
    create_answers.pop_front();
    return answer;
  }
  const auto known = names_.find(request->request_id());
  if (known != names_.end()) return Find(jobs, known->second, job);
  *job = request->job();
  job->set_name("jobs/" + (request->job_id().empty() ? "made-up" : request->job_id()));
  job->set_state(v1::Job::QUEUED);
  job->set_planned_steps(planned_steps);
  if (jobs.contains(job->name())) return AlreadyExists(job->name() + " exists");
  if (request->validate_only()) return grpc::Status::OK;
  jobs[job->name()] = *job;
  if (!request->request_id().empty()) names_[request->request_id()] = job->name();
  return grpc::Status::OK;
}

grpc::Status ScriptedJobs::CheckJobData(grpc::ServerContext*, const v1::CheckJobDataRequest*,
                                        grpc::ServerWriter<v1::CheckJobDataResponse>* writer) {
  for (const v1::CheckJobDataResponse& news : check_news) {
    before_check_news();
    writer->Write(news);
  }
  return check_end;
}

grpc::Status ScriptedJobs::GetJob(grpc::ServerContext*, const v1::GetJobRequest* request,
                                  v1::Job* job) {
  return Find(jobs, request->name(), job);
}

grpc::Status ScriptedJobs::ListJobs(grpc::ServerContext* context,
                                    const v1::ListJobsRequest* request,
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

template <class Request>
grpc::Status ScriptedJobs::Move(const Request& request, v1::Job::State state, v1::Job* job) {
  const auto found = jobs.find(request.name());
  if (found == jobs.end()) return NotFound(request.name());
  *job = found->second;
  job->set_state(state);
  if (!request.validate_only()) found->second = *job;
  return grpc::Status::OK;
}

grpc::Status ScriptedJobs::CancelJob(grpc::ServerContext*, const v1::CancelJobRequest* request,
                                     v1::Job* job) {
  cancelled.push_back(*request);
  return Move(*request, v1::Job::CANCELLED, job);
}

grpc::Status ScriptedJobs::PauseJob(grpc::ServerContext*, const v1::PauseJobRequest* request,
                                    v1::Job* job) {
  const auto found = jobs.find(request->name());
  const bool runs = found != jobs.end() && found->second.state() == v1::Job::RUNNING;
  return Move(*request, runs ? v1::Job::RUNNING : v1::Job::PAUSED, job);
}

grpc::Status ScriptedJobs::ResumeJob(grpc::ServerContext*, const v1::ResumeJobRequest* request,
                                     v1::Job* job) {
  return Move(*request, v1::Job::QUEUED, job);
}

grpc::Status ScriptedJobs::RetryJob(grpc::ServerContext*, const v1::RetryJobRequest* request,
                                    v1::Job* job) {
  return Move(*request, v1::Job::QUEUED, job);
}

grpc::Status ScriptedJobs::WatchJob(grpc::ServerContext*, const v1::WatchJobRequest* request,
                                    grpc::ServerWriter<v1::WatchJobResponse>* writer) {
  watched_after.push_back(request->after_seq());
  if (watches.empty()) return NotFound(request->name());
  const WatchScript script = watches.front();
  watches.pop_front();
  for (const v1::WatchJobResponse& batch : script.batches) writer->Write(batch);
  return script.end;
}

grpc::Status ScriptedJobs::StreamJobLogs(grpc::ServerContext*,
                                         const v1::StreamJobLogsRequest* request,
                                         grpc::ServerWriter<v1::StreamJobLogsResponse>* writer) {
  log_requests.push_back(*request);
  if (!jobs.contains(request->name())) return NotFound(request->name());
  v1::StreamJobLogsResponse response;
  const bool breaks = !broken_logs.empty();
  response.set_data(breaks ? broken_logs.front() : log);
  if (breaks) broken_logs.pop_front();
  writer->Write(response);
  return breaks ? grpc::Status(grpc::StatusCode::UNAVAILABLE, "Socket closed") : grpc::Status::OK;
}

grpc::Status ScriptedDatasets::CreateDataset(grpc::ServerContext*,
                                             const v1::CreateDatasetRequest* request,
                                             v1::Dataset* dataset) {
  *dataset = request->dataset();
  dataset->set_name("datasets/" + request->dataset_id());
  const auto [place, fresh] = datasets.emplace(dataset->name(), *dataset);
  if (fresh || place->second.file().sha256() == dataset->file().sha256()) return grpc::Status::OK;
  return AlreadyExists(dataset->name() + " has other content");
}

// Pages of two, to make a list of three go on.
grpc::Status ScriptedDatasets::ListDatasets(grpc::ServerContext*,
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

grpc::Status ScriptedDatasets::DeleteDataset(grpc::ServerContext*,
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

grpc::Status ScriptedCheckpoints::GetCheckpoint(grpc::ServerContext*,
                                                const v1::GetCheckpointRequest* request,
                                                v1::Checkpoint* checkpoint) {
  return Find(checkpoints, request->name(), checkpoint);
}

grpc::Status ScriptedCheckpoints::ListCheckpoints(grpc::ServerContext*,
                                                  const v1::ListCheckpointsRequest*,
                                                  v1::ListCheckpointsResponse* response) {
  for (const auto& [name, checkpoint] : checkpoints) *response->add_checkpoints() = checkpoint;
  return grpc::Status::OK;
}

grpc::Status ScriptedWorkers::GetWorker(grpc::ServerContext*, const v1::GetWorkerRequest* request,
                                        v1::Worker* worker) {
  for (v1::Worker& known : workers) {
    if (known.name() != request->name()) continue;
    if (known.has_cordon() && looks_until_idle-- == 0) known.clear_jobs();
    *worker = known;
    return grpc::Status::OK;
  }
  return NotFound(request->name());
}

grpc::Status ScriptedWorkers::ListWorkers(grpc::ServerContext*, const v1::ListWorkersRequest*,
                                          v1::ListWorkersResponse* response) {
  response->mutable_workers()->Assign(workers.begin(), workers.end());
  return grpc::Status::OK;
}

grpc::Status ScriptedWorkers::CordonWorker(grpc::ServerContext*,
                                           const v1::CordonWorkerRequest* request,
                                           v1::Worker* worker) {
  for (v1::Worker& known : workers) {
    if (known.name() != request->name()) continue;
    *worker = known;
    worker->set_state(v1::Worker::CORDONED);
    worker->mutable_cordon()->set_reason(request->reason());
    if (!request->validate_only()) known = *worker;
    return grpc::Status::OK;
  }
  return NotFound(request->name());
}

grpc::Status ScriptedWorkers::UncordonWorker(grpc::ServerContext*,
                                             const v1::UncordonWorkerRequest* request,
                                             google::protobuf::Empty*) {
  for (v1::Worker& known : workers) {
    if (known.name() != request->name()) continue;
    known.clear_cordon();
    known.set_state(v1::Worker::IDLE);
    return grpc::Status::OK;
  }
  return NotFound(request->name());
}

}  // namespace tune::testing
