// Waiting for the scheduler to look through a job's data, with its progress on stderr.
#pragma once

#include <functional>

#include "absl/status/status.h"
#include "client/context.h"
#include "tune/v1/jobs.pb.h"

namespace tune::client {

// Returns when CreateJob with the same job has nothing to look through any more: at once where it
// has not, or the scheduler is too old to tell of it. A terminal has one line, redrawn; else there
// is a line every ten seconds. Errors are those of CreateJob; CANCELLED where interrupted.
absl::Status AwaitDataCheck(Context& context, const v1::CheckJobDataRequest& request,
                            const std::function<bool()>& interrupted);

}  // namespace tune::client
