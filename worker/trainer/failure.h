// Why a run failed, as its `failed` event tells it. A reason rides on a Status as a
// payload, so that it survives Annotate and RETURN_IF_ERROR.
#pragma once

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace tune::trainer {

// CamelCase names for programs; kFailureReasons in failure.cc says which are worth
// another attempt.
inline constexpr absl::string_view kBadSpec = "BadSpec";
inline constexpr absl::string_view kBadModel = "BadModel";
inline constexpr absl::string_view kBadData = "BadData";
inline constexpr absl::string_view kRowTooLong = "RowTooLong";
inline constexpr absl::string_view kResumeMismatch = "ResumeMismatch";
inline constexpr absl::string_view kBadCheckpoint = "BadCheckpoint";
inline constexpr absl::string_view kNonFiniteLoss = "NonFiniteLoss";
inline constexpr absl::string_view kLossSpike = "LossSpike";
inline constexpr absl::string_view kNoDevice = "NoDevice";
inline constexpr absl::string_view kRankLost = "RankLost";
inline constexpr absl::string_view kOutOfMemory = "OutOfMemory";
inline constexpr absl::string_view kDiskFull = "DiskFull";
inline constexpr absl::string_view kInternal = "Internal";

struct Failure {
  std::string reason;
  std::string message;
  bool retryable;
};

// A failed status with this reason.
absl::Status Fail(absl::string_view reason, absl::string_view message);

// `status` with `reason`, unless it is OK, has a reason, or tells of a full disk.
absl::Status WithReason(const absl::Status& status, absl::string_view reason);

// What to report of a status that is not OK. Without a reason of its own a
// RESOURCE_EXHAUSTED status, which base/files.h makes of ENOSPC, is DiskFull, any other
// Internal.
Failure FailureOf(const absl::Status& status);

// Runs `body`; exceptions of LibTorch and the standard library become a Status: RankLost,
// OutOfMemory where an allocation failed, Internal for others.
absl::Status CatchExceptions(const std::function<absl::Status()>& body);

}  // namespace tune::trainer
