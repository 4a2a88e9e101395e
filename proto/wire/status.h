// The one table between absl::Status and gRPC's. Field errors travel as
// google.rpc.BadRequest, reasons as google.rpc.ErrorInfo (domain "tune"), both in
// google.rpc.Status details (AIP-193).
#pragma once

#include <grpcpp/support/status.h>

#include <string>

#include "absl/status/status.h"

namespace tune {

// Reasons both sides know.
inline constexpr char kStaleEpoch[] = "STALE_EPOCH";  // ABORTED: the lease has ended
inline constexpr char kOverloaded[] = "OVERLOADED";   // RESOURCE_EXHAUSTED: try again later

// A machine-readable reason in UPPER_SNAKE_CASE ("STALE_EPOCH") on a status.
absl::Status WithReason(absl::Status status, const std::string& reason);
std::string ReasonOf(const absl::Status& status);  // "" where none

grpc::Status ToGrpcStatus(const absl::Status& status);
// Inverse, details included: FieldErrorsOf and ReasonOf work on the result.
absl::Status FromGrpcStatus(const grpc::Status& status);

}  // namespace tune
