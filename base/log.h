// Logging of the daemons: spdlog to stderr, one line per event, key=value last.
#pragma once

#include <spdlog/spdlog.h>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace tune {

// Sets the default logger's pattern (UTC, ISO 8601) and level ("debug", "info",
// "warn", "error"). INVALID_ARGUMENT names the level that does not exist.
absl::Status InitLog(absl::string_view level);

}  // namespace tune
