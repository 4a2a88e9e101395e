// What watch, wait and submit --wait/--watch share: follow a job in the way the
// terminal allows, and end with its outcome.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "client/context.h"
#include "client/exit_code.h"
#include "client/interrupt.h"

namespace tune::client {

// kVisibly: the live view on a terminal, else a line per event; with JSON or YAML output
// every event, one JSON object a line or one YAML document each. kSilently: with JSON or
// YAML output the job as it ended.
enum class Follow { kSilently, kVisibly };

// `interrupt` must have been made before the context connected. Ctrl-C detaches: it says
// so, leaves the job alone and gives kInterrupted.
absl::StatusOr<ExitCode> FollowToEnd(Context& context, const std::string& job, Follow how,
                                     Interrupt& interrupt);

}  // namespace tune::client
