#include "worker/trainer/failure.h"

#include <algorithm>
#include <array>
#include <exception>
#include <new>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "worker/trainer/aten.h"
#include "worker/trainer/ranks.h"

namespace tune::trainer {
namespace {

constexpr absl::string_view kReasonUrl = "tune.trainer/failure-reason";

struct ReasonRow {
  absl::string_view name;
  absl::StatusCode code;
  bool retryable;
};

constexpr std::array kFailureReasons = {
    ReasonRow{kBadSpec, absl::StatusCode::kInvalidArgument, false},
    ReasonRow{kBadModel, absl::StatusCode::kInvalidArgument, false},
    ReasonRow{kBadData, absl::StatusCode::kInvalidArgument, false},
    ReasonRow{kRowTooLong, absl::StatusCode::kInvalidArgument, false},
    ReasonRow{kResumeMismatch, absl::StatusCode::kFailedPrecondition, false},
    ReasonRow{kBadCheckpoint, absl::StatusCode::kDataLoss, false},
    ReasonRow{kNonFiniteLoss, absl::StatusCode::kFailedPrecondition, false},
    ReasonRow{kLossSpike, absl::StatusCode::kFailedPrecondition, false},
    ReasonRow{kNoDevice, absl::StatusCode::kFailedPrecondition, false},
    ReasonRow{kRankLost, absl::StatusCode::kUnavailable, true},
    ReasonRow{kOutOfMemory, absl::StatusCode::kUnavailable, true},
    ReasonRow{kDiskFull, absl::StatusCode::kResourceExhausted, true},
    ReasonRow{kInternal, absl::StatusCode::kInternal, true},
};

const ReasonRow& RowOf(absl::string_view reason) {
  const auto* row = std::find_if(kFailureReasons.begin(), kFailureReasons.end(),
                                 [&](const ReasonRow& r) { return r.name == reason; });
  return row == kFailureReasons.end() ? kFailureReasons.back() : *row;
}

std::string ReasonOf(const absl::Status& status) {
  if (const auto payload = status.GetPayload(kReasonUrl)) return std::string(*payload);
  const bool disk = status.code() == absl::StatusCode::kResourceExhausted;
  return std::string(disk ? kDiskFull : kInternal);
}

bool IsAllocationFailure(const c10::Error& error) {
  return dynamic_cast<const c10::OutOfMemoryError*>(&error) != nullptr ||
         absl::StrContains(error.what_without_backtrace(), "not enough memory") ||
         absl::StrContains(error.what_without_backtrace(), "can't allocate memory");
}

}  // namespace

absl::Status Fail(absl::string_view reason, absl::string_view message) {
  absl::Status status(RowOf(reason).code, message);
  status.SetPayload(kReasonUrl, absl::Cord(reason));
  return status;
}

absl::Status WithReason(const absl::Status& status, absl::string_view reason) {
  if (status.ok() || status.GetPayload(kReasonUrl).has_value() ||
      status.code() == absl::StatusCode::kResourceExhausted) {
    return status;
  }
  absl::Status with_reason = status;
  with_reason.SetPayload(kReasonUrl, absl::Cord(reason));
  return with_reason;
}

Failure FailureOf(const absl::Status& status) {
  const std::string reason = ReasonOf(status);
  return {reason, std::string(status.message()), RowOf(reason).retryable};
}

absl::Status CatchExceptions(const std::function<absl::Status()>& body) {
  try {
    return body();
  } catch (const c10::Error& error) {
    const bool memory = IsAllocationFailure(error);
    return Fail(memory ? kOutOfMemory : kInternal, error.what_without_backtrace());
  } catch (const RankLost& error) {
    return Fail(kRankLost, error.what());
  } catch (const std::bad_alloc&) {
    return Fail(kOutOfMemory, "the host's memory is used up");
  } catch (const std::exception& error) {
    return Fail(kInternal, error.what());
  }
}

}  // namespace tune::trainer
