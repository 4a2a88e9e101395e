// What a worker itself needs of a lease's spec. The rest is the trainer's business: it may be of
// a later release than the worker, and its reader refuses what it does not know.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "base/json.h"
#include "run/spec.h"
#include "tune/v1/workers.pb.h"

namespace tune::worker {

struct LeaseSpec {
  std::string model;  // "models/M"
  int64_t checkpoint_every = RunSpec().checkpoint_every;
  Json whole;  // as the scheduler has stored it
};

// Looks at no other field. INVALID_ARGUMENT names the job and the field.
absl::StatusOr<LeaseSpec> ReadLeaseSpec(const v1::Lease& lease);

}  // namespace tune::worker
