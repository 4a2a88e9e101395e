// Why a server could not listen: gRPC itself says only that it could not.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace tune::server {

// Tries to bind `address` (HOST:PORT) and turns what goes wrong into a status with what to
// do next. INVALID_ARGUMENT where it can be bound: then it was the certificate or the key.
absl::Status WhyNotListening(const std::string& address);

}  // namespace tune::server
