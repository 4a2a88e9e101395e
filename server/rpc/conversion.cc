#include "server/rpc/conversion.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "base/field_errors.h"
#include "base/status.h"
#include "proto/wire/convert.h"
#include "run/names.h"
#include "run/reason.h"
#include "server/core/retry.h"

namespace tune::server {
namespace {

void PutDataUse(const DataUse& use, v1::Job::DataUse& proto) {
  proto.set_dataset(use.dataset);
  proto.set_rows(use.rows);
  proto.set_used(use.used);
  proto.set_truncated(use.truncated);
  proto.set_dropped(use.dropped);
  proto.set_without_targets(use.without_targets);
  proto.set_tokens(use.tokens);
  proto.set_target_tokens(use.target_tokens);
}

bool Known(absl::Time time) { return time != absl::InfinitePast(); }

// NaN stands for "not known yet" in the scheduler, 0 on the wire.
double KnownOrZero(double value) { return std::isnan(value) ? 0 : value; }

std::string NameOrNone(absl::string_view collection, const std::string& id) {
  return id.empty() ? "" : ResourceName(collection, id);
}

void PutSource(const SourceProgress& source, v1::Job::Source& proto) {
  proto.set_source(source.source);
  proto.set_loss(KnownOrZero(source.loss));
  proto.set_eval_loss(KnownOrZero(source.eval_loss));
  proto.set_examples(source.examples);
  proto.set_tokens(source.tokens);
  proto.set_target_tokens(source.target_tokens);
}

v1::Job::Progress ToProto(const Progress& progress) {
  v1::Job::Progress proto;
  proto.set_step(progress.step);
  proto.set_total_steps(progress.total_steps);
  proto.set_epoch(progress.epoch);
  if (progress.step > 0) {  // a loss that blew up is passed on as it is
    proto.set_loss(progress.loss);
    proto.set_grad_norm(progress.grad_norm);
  }
  proto.set_learning_rate(KnownOrZero(progress.learning_rate));
  proto.set_tokens_per_second(KnownOrZero(progress.tokens_per_second));
  proto.set_eta_seconds(KnownOrZero(progress.eta_seconds));
  proto.set_eval_loss(KnownOrZero(progress.eval_loss));
  *proto.mutable_update_time() = ToTimestamp(progress.update_time);
  for (const SourceProgress& source : progress.sources) PutSource(source, *proto.add_sources());
  return proto;
}

// "" while it goes on and for success.
std::string FaultText(const Attempt& attempt) {
  if (!Known(attempt.end_time) || attempt.result == "Succeeded") return "";
  return std::string(FaultName(FaultOf(attempt.result)));
}

v1::Job::Attempt ToProto(const Attempt& attempt) {
  v1::Job::Attempt proto;
  proto.set_number(attempt.number);
  proto.set_worker(NameOrNone("workers", attempt.worker_id));
  if (Known(attempt.start_time)) *proto.mutable_start_time() = ToTimestamp(attempt.start_time);
  if (Known(attempt.end_time)) *proto.mutable_end_time() = ToTimestamp(attempt.end_time);
  proto.set_resumed_step(attempt.resumed_step);
  proto.set_last_step(attempt.last_step);
  proto.set_result(attempt.result);
  proto.set_message(attempt.message);
  proto.set_fault(FaultText(attempt));
  return proto;
}

// Of the budget `used` of `all`.
int32_t Left(int64_t all, int32_t used) {
  return static_cast<int32_t>(std::max<int64_t>(all - used, 0));
}

void PutTimes(const Job& job, v1::Job& proto) {
  if (Known(job.create_time)) *proto.mutable_create_time() = ToTimestamp(job.create_time);
  if (Known(job.start_time)) *proto.mutable_start_time() = ToTimestamp(job.start_time);
  if (Known(job.end_time)) *proto.mutable_end_time() = ToTimestamp(job.end_time);
}

// A job that cannot be read, or told, says so before all else.
std::string MessageOf(const Job& job, const absl::Status& spec) {
  std::string trouble = job.unreadable;
  if (trouble.empty() && !spec.ok()) {
    trouble = absl::StrCat("its spec cannot be told: ", spec.message());
  }
  const char* const between = trouble.empty() || job.message.empty() ? "" : "; ";
  return absl::StrCat(trouble, between, job.message);
}

v1::JobEvent::StateChange Unreadable(const std::string& message) {
  v1::JobEvent::StateChange change;
  change.set_reason("Unreadable");
  change.set_message(message);
  return change;
}

void PutTraining(const std::string& payload, v1::JobEvent& event) {
  if (event.mutable_training()->ParseFromString(payload)) return;
  *event.mutable_state_change() = Unreadable("this entry cannot be read: it is no training event");
}

v1::JobEvent::StateChange StateChangeOf(const JobEvent& event) {
  v1::JobEvent::StateChange change;
  change.set_state(ToProto(event.state));
  change.set_reason(event.reason);
  change.set_message(event.message);
  change.set_worker(NameOrNone("workers", event.worker_id));
  change.set_user(event.user);
  return change;
}

v1::WorkerResources ToProto(const WorkerResources& resources) {
  v1::WorkerResources proto;
  proto.set_cpus(resources.cpus);
  proto.set_host_memory_bytes(resources.host_memory_bytes);
  proto.set_free_disk_bytes(resources.free_disk_bytes);
  for (const Gpu& gpu : resources.gpus) {
    v1::WorkerResources::Gpu* added = proto.add_gpus();
    added->set_product(gpu.product);
    added->set_memory_bytes(gpu.memory_bytes);
  }
  proto.set_unused_gpus(resources.unused_gpus);
  return proto;
}

v1::Worker::State ToProto(WorkerState state) {
  switch (state) {
    case WorkerState::kIdle:
      return v1::Worker::IDLE;
    case WorkerState::kBusy:
      return v1::Worker::BUSY;
    case WorkerState::kLost:
      return v1::Worker::LOST;
    case WorkerState::kUnhealthy:
      return v1::Worker::UNHEALTHY;
    case WorkerState::kUnknown:
      return v1::Worker::UNKNOWN;
    case WorkerState::kCordoned:
      return v1::Worker::CORDONED;
  }
  return v1::Worker::STATE_UNSPECIFIED;
}

v1::Worker::Cordon ToProto(const Cordon& cordon) {
  v1::Worker::Cordon proto;
  proto.set_user(cordon.user);
  proto.set_reason(cordon.reason);
  if (Known(cordon.time)) *proto.mutable_time() = ToTimestamp(cordon.time);
  return proto;
}

template <class Proto, class Item>
void AddAll(const std::vector<Item>& items, google::protobuf::RepeatedPtrField<Proto>* protos) {
  for (const Item& item : items) *protos->Add() = ToProto(item);
}

void PutStep(const v1::TrainingEvent::Step& step, TrainingReport& report) {
  report.kind = TrainingReport::Kind::kStep;
  report.step = step.step();
  report.total_steps = step.total_steps();
  report.epoch = step.epoch();
  report.loss = step.loss();
  report.learning_rate = step.learning_rate();
  report.grad_norm = step.grad_norm();
  report.tokens = step.tokens();
  report.seconds = step.seconds();
  report.sources = SourcesOf(step);
}

}  // namespace

v1::Job::State ToProto(JobState state) {
  v1::Job::State proto = v1::Job::STATE_UNSPECIFIED;
  v1::Job::State_Parse(std::string(JobStateName(state)), &proto);
  return proto;
}

absl::StatusOr<std::vector<JobState>> StatesFromProto(
    const google::protobuf::RepeatedField<int>& states) {
  std::vector<JobState> result;
  for (const int proto : states) {
    const auto state = JobStateFromName(v1::Job::State_Name(proto));
    if (!state.ok()) return Annotate(state.status(), "states");
    result.push_back(*state);
  }
  return result;
}

absl::StatusOr<std::vector<std::string>> AfterFromProto(const v1::Job& job) {
  std::vector<std::string> ids;
  FieldErrors errors;
  for (int i = 0; i < job.after_size(); ++i) {
    const auto id = ParseName("jobs", job.after(i));
    if (!id.ok()) errors.Add(absl::StrCat("after[", i, "]"), std::string(id.status().message()));
    if (id.ok()) ids.push_back(*id);
  }
  RETURN_IF_ERROR(errors.ToStatus("job"));
  return ids;
}

absl::StatusOr<AfterOutcome> AfterOutcomeFromProto(const v1::Job& job) {
  const auto outcome = AfterOutcomeFromName(job.after_outcome());
  if (outcome.ok()) return outcome;
  FieldErrors errors;
  errors.Add("after_outcome", std::string(outcome.status().message()));
  return errors.ToStatus("job");
}

v1::Job ToProto(const Job& job) {
  v1::Job proto;
  proto.set_name(NameOrNone("jobs", job.id));
  const auto spec = RunSpecToProto(job.spec);
  if (spec.ok()) *proto.mutable_spec() = *spec;
  proto.mutable_labels()->insert(job.labels.begin(), job.labels.end());
  proto.set_state(ToProto(job.state));
  proto.set_reason(job.reason);
  proto.set_message(MessageOf(job, spec.status()));
  PutTimes(job, proto);
  proto.set_planned_steps(job.progress.total_steps);
  if (Known(job.progress.update_time)) *proto.mutable_progress() = ToProto(job.progress);
  proto.set_worker(NameOrNone("workers", job.worker_id));
  proto.set_epoch(job.epoch);
  proto.set_owner(job.owner);
  proto.set_retries_left(Left(job.spec.retries, job.budget.retries_used));
  proto.set_disruptions_left(Left(kMaxDisruptions, job.budget.disruptions));
  AddAll(job.attempts, proto.mutable_attempts());
  proto.set_latest_checkpoint(job.latest_checkpoint);
  proto.set_final_checkpoint(job.final_checkpoint);
  proto.set_queue_position(job.queue_position);
  for (const std::string& id : job.after) proto.add_after(ResourceName("jobs", id));
  if (!job.after.empty()) proto.set_after_outcome(std::string(AfterOutcomeName(job.after_outcome)));
  for (const std::string& id : job.waits_for) proto.add_waits_for(ResourceName("jobs", id));
  proto.mutable_warnings()->Add(job.warnings.begin(), job.warnings.end());
  for (const DataUse& use : job.data) PutDataUse(use, *proto.add_data());
  return proto;
}

v1::Job ToListedProto(const Job& job) {
  v1::Job proto = ToProto(job);
  proto.mutable_spec()->clear_sample_prompts();
  proto.mutable_spec()->clear_template_();
  proto.mutable_spec()->clear_templates();
  return proto;
}

v1::JobEvent ToProto(const JobEvent& event) {
  v1::JobEvent proto;
  proto.set_seq(event.seq);
  if (Known(event.time)) *proto.mutable_time() = ToTimestamp(event.time);
  proto.set_attempt(event.attempt);
  switch (event.kind) {
    case JobEvent::Kind::kStateChange:
      *proto.mutable_state_change() = StateChangeOf(event);
      break;
    case JobEvent::Kind::kTraining:
      PutTraining(event.payload, proto);
      break;
    case JobEvent::Kind::kCheckpoint:
      proto.set_checkpoint(event.checkpoint);
      break;
    case JobEvent::Kind::kUnreadable:
      *proto.mutable_state_change() = Unreadable(event.message);
      break;
  }
  return proto;
}

v1::Dataset ToProto(const Dataset& dataset) {
  v1::Dataset proto;
  proto.set_name(ResourceName("datasets", dataset.id));
  *proto.mutable_file() = ToProto(dataset.file);
  proto.set_format(dataset.format);
  proto.set_rows(dataset.rows);
  proto.set_max_bad_rows(dataset.max_bad_rows);
  proto.set_bad_rows(dataset.bad_rows);
  proto.mutable_columns()->insert(dataset.columns.begin(), dataset.columns.end());
  for (const std::string& note : dataset.notes) proto.add_notes(note);
  if (Known(dataset.create_time)) *proto.mutable_create_time() = ToTimestamp(dataset.create_time);
  return proto;
}

v1::Model ToProto(const Model& model) {
  v1::Model proto;
  proto.set_name(ResourceName("models", model.id));
  AddAll(model.files, proto.mutable_files());
  proto.set_architecture(model.architecture);
  proto.set_parameters(model.parameters);
  proto.set_precision(model.precision);
  proto.set_size_bytes(model.size_bytes);
  if (Known(model.create_time)) *proto.mutable_create_time() = ToTimestamp(model.create_time);
  return proto;
}

v1::Checkpoint ToProto(const Checkpoint& checkpoint) {
  v1::Checkpoint proto;
  proto.set_name(CheckpointName(checkpoint.job_id, checkpoint.id));
  proto.set_step(checkpoint.step);
  proto.set_epoch(checkpoint.epoch);
  proto.set_loss(checkpoint.loss);
  proto.set_final(checkpoint.final);
  AddAll(checkpoint.files, proto.mutable_files());
  proto.set_size_bytes(checkpoint.size_bytes);
  proto.set_digest(checkpoint.digest);
  proto.set_parent(checkpoint.parent);
  if (Known(checkpoint.create_time)) {
    *proto.mutable_create_time() = ToTimestamp(checkpoint.create_time);
  }
  return proto;
}

v1::Worker ToProto(const WorkerRecord& worker) {
  v1::Worker proto;
  proto.set_name(ResourceName("workers", worker.id));
  proto.set_state(ToProto(worker.state));
  *proto.mutable_resources() = ToProto(worker.resources);
  proto.set_incarnation(worker.incarnation);
  proto.set_version(worker.version);
  proto.set_reason(worker.unhealthy);
  if (worker.cordon) *proto.mutable_cordon() = ToProto(*worker.cordon);
  proto.mutable_labels()->insert(worker.labels.begin(), worker.labels.end());
  proto.set_owner(worker.owner);
  proto.set_trainer_version(worker.trainer_version);
  if (Known(worker.register_time)) {
    *proto.mutable_register_time() = ToTimestamp(worker.register_time);
  }
  if (Known(worker.heartbeat_time)) {
    *proto.mutable_heartbeat_time() = ToTimestamp(worker.heartbeat_time);
  }
  for (const std::string& id : worker.job_ids) proto.add_jobs(ResourceName("jobs", id));
  return proto;
}

v1::LeaseKey ToProto(const LeaseKey& key) {
  v1::LeaseKey proto;
  proto.set_job(ResourceName("jobs", key.job_id));
  proto.set_epoch(key.epoch);
  return proto;
}

v1::Lease ToProto(const Lease& lease) {
  v1::Lease proto;
  *proto.mutable_key() = ToProto(lease.key);
  proto.set_attempt(lease.attempt);
  *proto.mutable_gpus() = {lease.gpus.begin(), lease.gpus.end()};
  proto.set_spec_json(lease.spec_json);
  AddAll(lease.model_files, proto.mutable_model_files());
  AddAll(lease.datasets, proto.mutable_datasets());
  if (lease.resume_from) *proto.mutable_resume_from() = ToProto(*lease.resume_from);
  proto.set_time_limit_seconds(lease.time_limit_seconds);
  return proto;
}

WorkerResources FromProto(const v1::WorkerResources& resources) {
  WorkerResources result;
  result.cpus = resources.cpus();
  result.host_memory_bytes = resources.host_memory_bytes();
  result.free_disk_bytes = resources.free_disk_bytes();
  for (const auto& gpu : resources.gpus()) {
    result.gpus.push_back({.product = gpu.product(), .memory_bytes = gpu.memory_bytes()});
  }
  result.unused_gpus = resources.unused_gpus();
  return result;
}

absl::StatusOr<LeaseKey> FromProto(const v1::LeaseKey& key) {
  ASSIGN_OR_RETURN(std::string job_id, ParseName("jobs", key.job()));
  return LeaseKey{.job_id = std::move(job_id), .epoch = key.epoch()};
}

absl::StatusOr<Registration> FromProto(const v1::RegisterWorkerRequest& request) {
  Registration registration;
  WorkerRecord& worker = registration.worker;
  worker.id = request.worker_id();
  worker.incarnation = request.incarnation();
  worker.installation = request.installation();
  worker.resources = FromProto(request.resources());
  worker.version = request.version();
  worker.unhealthy = request.unhealthy();
  worker.labels = {request.labels().begin(), request.labels().end()};
  worker.trainer_version = request.trainer_version();
  worker.spec_fields.assign(request.spec_fields().begin(), request.spec_fields().end());
  for (const v1::LeaseKey& key : request.running()) {
    ASSIGN_OR_RETURN(registration.running.emplace_back(), FromProto(key));
  }
  return registration;
}

TrainingReport FromProto(const v1::TrainingEvent& event) {
  TrainingReport report;
  report.time = FromTimestamp(event.time());
  report.payload = event.SerializeAsString();
  if (event.has_started()) {
    report.kind = TrainingReport::Kind::kStarted;
    report.total_steps = event.started().total_steps();
    report.resumed_step = event.started().resumed_step();
  } else if (event.has_step()) {
    PutStep(event.step(), report);
  } else if (event.has_evaluation()) {
    report.kind = TrainingReport::Kind::kEvaluation;
    report.step = event.evaluation().step();
    report.eval_loss = event.evaluation().loss();
    report.eval_sources = SourcesOf(event.evaluation());
  }
  return report;
}

absl::StatusOr<Outcome> FromProto(v1::FinishAttemptRequest::Outcome outcome) {
  switch (outcome) {
    case v1::FinishAttemptRequest::SUCCEEDED:
      return Outcome::kSucceeded;
    case v1::FinishAttemptRequest::FAILED_RETRYABLE:
      return Outcome::kFailedRetryable;
    case v1::FinishAttemptRequest::FAILED_FINAL:
      return Outcome::kFailedFinal;
    default:
      break;
  }
  FieldErrors errors;
  errors.Add("outcome", "must be SUCCEEDED, FAILED_RETRYABLE or FAILED_FINAL");
  return errors.ToStatus("FinishAttempt");
}

}  // namespace tune::server
