// Between the scheduler's structs and the wire's messages, both ways; the only place.
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "proto/wire/convert.h"
#include "server/core/job.h"
#include "server/core/lease.h"
#include "server/core/registry.h"
#include "server/core/training_report.h"
#include "server/core/worker.h"
#include "server/engine/leases.h"
#include "server/engine/page.h"
#include "server/engine/report.h"
#include "tune/v1/jobs.pb.h"
#include "tune/v1/registry.pb.h"
#include "tune/v1/training.pb.h"
#include "tune/v1/workers.pb.h"

namespace tune::server {

// Those of proto/wire/convert.h too.
using tune::FromProto;
using tune::ToProto;

// By their names, which are the same on both sides.
v1::Job::State ToProto(JobState state);
absl::StatusOr<std::vector<JobState>> StatesFromProto(
    const google::protobuf::RepeatedField<int>& states);

v1::Job ToProto(const Job& job);
// The ids in `after`, and `after_outcome`; INVALID_ARGUMENT names the field.
absl::StatusOr<std::vector<std::string>> AfterFromProto(const v1::Job& job);
absl::StatusOr<AfterOutcome> AfterOutcomeFromProto(const v1::Job& job);
// A job in a list: without sample_prompts and template, which can be long.
v1::Job ToListedProto(const Job& job);
v1::JobEvent ToProto(const JobEvent& event);
v1::Dataset ToProto(const Dataset& dataset);
v1::Model ToProto(const Model& model);
v1::Checkpoint ToProto(const Checkpoint& checkpoint);
v1::Worker ToProto(const WorkerRecord& worker);
v1::LeaseKey ToProto(const LeaseKey& key);
v1::Lease ToProto(const Lease& lease);

WorkerResources FromProto(const v1::WorkerResources& resources);
// INVALID_ARGUMENT where a job's name is none.
absl::StatusOr<Registration> FromProto(const v1::RegisterWorkerRequest& request);
// INVALID_ARGUMENT where the job's name is none.
absl::StatusOr<LeaseKey> FromProto(const v1::LeaseKey& key);
// The event itself goes along serialized, for the history.
TrainingReport FromProto(const v1::TrainingEvent& event);
// INVALID_ARGUMENT for an outcome left out or unknown.
absl::StatusOr<Outcome> FromProto(v1::FinishAttemptRequest::Outcome outcome);

// page_size and page_token of any List request.
template <class Request>
PageRequest PageOf(const Request& request) {
  return {.size = request.page_size(), .token = request.page_token()};
}

}  // namespace tune::server
