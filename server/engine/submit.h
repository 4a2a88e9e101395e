// Taking a job in.
#pragma once

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "recipe/run_spec.h"
#include "server/core/job.h"
#include "server/engine/blobs.h"
#include "server/engine/observer.h"
#include "server/engine/signal.h"
#include "server/store/store.h"

namespace tune::server {

struct NewJob {
  std::string job_id;  // "" for a generated one: the model's name and six digits
  RunSpec spec;
  std::map<std::string, std::string> labels;  // at most 64, keys and values up to 256 bytes
  std::string request_id;                     // "" for none; at most 128 bytes
  bool validate_only = false;
};

class Submit {
 public:
  Submit(Store& store, BlobStore& blobs, Clock& clock, Signal& work, EngineObserver& observer);

  // Checks the spec against the registry and every row against max_length, then queues
  // the job. INVALID_ARGUMENT with all field errors (fields begin with "job.spec.");
  // ALREADY_EXISTS: the job_id is taken, or the request_id was used with another body. A
  // repeat with the same request_id and body gets the first job as it is now.
  absl::StatusOr<Job> CreateJob(const NewJob& request);

 private:
  absl::StatusOr<Job> Validate(const NewJob& request);
  absl::StatusOr<Job> Insert(Transaction& transaction, const NewJob& request, Job job);

  Store& store_;
  BlobStore& blobs_;
  Clock& clock_;
  Signal& work_;
  EngineObserver& observer_;
};

}  // namespace tune::server
