// Taking a job in.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "run/spec.h"
#include "server/core/job.h"
#include "server/engine/blobs.h"
#include "server/engine/commits.h"
#include "server/engine/data_checks.h"
#include "server/engine/file_kinds.h"
#include "server/store/store.h"

namespace tune::server {

struct NewJob {
  std::string job_id;  // "" for a generated one: the model's name and six digits
  RunSpec spec;
  std::map<std::string, std::string> labels;  // at most 64, keys and values up to 256 bytes
  std::string request_id;                     // "" for none; at most 128 bytes
  bool validate_only = false;
  std::string owner;                    // who submits it; "" where nobody is named
  std::vector<std::string> after = {};  // ids of the jobs that must end before it begins
  AfterOutcome after_outcome = AfterOutcome::kSuccess;
};

// A request that was looked at before it is queued.
struct SubmitPlan {
  NewJob request;
  std::string digest;                    // of the body
  std::optional<Job> earlier;            // what this request_id has made before
  Job job;                               // else what it would make
  std::optional<DataFindings> findings;  // where its data is known already
  int64_t registry_changes = 0;          // how many there had been (store/hot_state.h)
};

class Submit {
 public:
  Submit(Store& store, BlobStore& blobs, Commits& commits, DataChecks& checks, Clock& clock);

  // Checks the spec against the registry. INVALID_ARGUMENT with all field errors, named as
  // RunSpecFromJson does ("datasets[1].dataset"); ALREADY_EXISTS: the request_id was used with
  // another body.
  absl::StatusOr<SubmitPlan> MakePlan(const NewJob& request);
  // Whether CreateJob will read no dataset.
  static bool IsQuick(const SubmitPlan& plan) { return plan.earlier || plan.findings; }
  // Looks through the data of a plan that is not quick (data_checks.h), which may take minutes;
  // after that the same request's plan is. Errors as of MakePlan, for the data.
  absl::Status CheckData(const SubmitPlan& plan, const DataChecks::OnProgress& on_progress);
  // Checks the data where that was not done before, then queues the job. Errors as of MakePlan, for
  // the data too; ALREADY_EXISTS: the job_id is taken; RESOURCE_EXHAUSTED: the owner has as many
  // jobs in the queue as the quota allows. A repeat with the same request_id and body gets the
  // first job as it is now. With validate_only, the job as it would be.
  absl::StatusOr<Job> CreateJob(const SubmitPlan& plan, const DataChecks::OnProgress& on_progress);
  // MakePlan and CreateJob.
  absl::StatusOr<Job> CreateJob(const NewJob& request);

 private:
  Store& store_;
  BlobStore& blobs_;
  Commits& commits_;
  DataChecks& checks_;
  Clock& clock_;
  FileKinds file_kinds_;
};

}  // namespace tune::server
