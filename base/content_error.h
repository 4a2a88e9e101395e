// Whether an error of reading a file is its content's or the host's.
#pragma once

#include "absl/status/status.h"

namespace tune {

// True where the file was read and what it holds is to blame, as it would be on every host:
// INVALID_ARGUMENT, OUT_OF_RANGE or DATA_LOSS. What base/files.h makes of an errno is no content
// error, nor is what a program that lacks a part of itself says.
inline bool IsContentError(const absl::Status& status) {
  return absl::IsInvalidArgument(status) || absl::IsOutOfRange(status) || absl::IsDataLoss(status);
}

}  // namespace tune
