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
#include "server/store/store.h"

namespace tune::server {

struct NewJob {
  std::string job_id;  // "" for a generated one: the model's name and six digits
  RunSpec spec;
  std::map<std::string, std::string> labels;  // at most 64, keys and values up to 256 bytes
  std::string request_id;                     // "" for none; at most 128 bytes
  bool validate_only = false;
  std::string owner;  // who submits it; "" where nobody is named
};

class Submit {
 public:
  Submit(Store& store, BlobStore& blobs, Commits& commits, DataChecks& checks, Clock& clock);

  // Checks the spec against the registry and its data (data_checks.h), which may take seconds, then
  // queues the job. INVALID_ARGUMENT with all
  // field errors, named as RunSpecFromJson does ("datasets[1].dataset"); ALREADY_EXISTS:
  // the job_id is taken, or the request_id was used with another body. A repeat with the
  // same request_id and body gets the first job as it is now. With validate_only, the job
  // as it would be.
  absl::StatusOr<Job> CreateJob(const NewJob& request);
  // Whether CreateJob will read no dataset: it fails at once, or all is known already.
  bool IsQuick(const NewJob& request);

 private:
  // A request before it is queued: the job that it made before, or the one that it would make.
  struct Plan {
    std::optional<Job> earlier;
    Job job;
  };
  absl::StatusOr<Plan> MakePlan(const NewJob& request, absl::Time now);

  Store& store_;
  BlobStore& blobs_;
  Commits& commits_;
  DataChecks& checks_;
  Clock& clock_;
};

}  // namespace tune::server
