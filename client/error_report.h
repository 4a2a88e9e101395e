// How an error looks on stderr: what, where, and what to do next.
#pragma once

#include <ostream>
#include <string>

#include "absl/status/status.h"
#include "client/context.h"

namespace tune::client {

// Text for the next step, carried on a status to ReportError.
absl::Status WithHint(absl::Status status, absl::string_view hint);

// Adds a hint only where the status has this code and no hint yet.
absl::Status HintOn(absl::StatusCode code, absl::Status status, absl::string_view hint);

// What is wrong with both, by the code and the hint of the first.
absl::Status Joined(const absl::Status& first, const absl::Status& next);

// Table and YAML output:
//   error: WHAT
//     FIELD: REASON        (one line for each field error)
//   hint: COMMAND OR FIX
// JSON output: {"error":{"code","reason","message","field_violations","hint"}} on one
// line. A scheduler that is not there is named by its address.
void ReportError(std::ostream& err, const absl::Status& status, const GlobalFlags& flags,
                 const Style& style);

}  // namespace tune::client
