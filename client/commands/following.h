// What watch, wait and submit --wait/--watch share: follow a job in the way the
// terminal allows, and end with its outcome.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "client/context.h"
#include "client/exit_code.h"
#include "client/interrupt.h"

namespace tune::client {

enum class Follow { kSilently, kVisibly };

// `interrupt` must have been made before the context connected. Ctrl-C detaches: it says
// so, leaves the job alone and gives kInterrupted.
absl::StatusOr<ExitCode> FollowToEnd(Context& context, const std::string& job, Follow how,
                                     Interrupt& interrupt);

}  // namespace tune::client
