#include "worker/trainer/core/failure.h"

#include <exception>
#include <new>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/content_error.h"
#include "worker/trainer/core/aten.h"

namespace tune::trainer {
namespace {

constexpr absl::string_view kReasonUrl = "tune.trainer/failure-reason";

// The code that a status with this reason bears inside the program.
absl::StatusCode CodeOf(absl::string_view reason) {
  if (reason == kDiskFull) return absl::StatusCode::kResourceExhausted;
  if (reason == kInternal) return absl::StatusCode::kInternal;
  if (reason == kBadCheckpoint) return absl::StatusCode::kDataLoss;
  const Reason* row = FindReason(reason);
  if (row == nullptr) return absl::StatusCode::kInternal;
  if (row->fault == Fault::kData || reason == kBadSpec) return absl::StatusCode::kInvalidArgument;
  if (row->cost == Cost::kRetry) return absl::StatusCode::kUnavailable;
  return absl::StatusCode::kFailedPrecondition;
}

// Of a status that was given no reason: what base/files.h and the like say of this host.
absl::string_view ReasonOfCode(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kResourceExhausted:
      return kDiskFull;
    case absl::StatusCode::kNotFound:
      return kRunFolderLost;
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kUnimplemented:
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kUnknown:
      return kWorkerUnfit;
    default:
      return kInternal;
  }
}

std::string ReasonOf(const absl::Status& status) {
  if (const auto payload = status.GetPayload(kReasonUrl)) return std::string(*payload);
  return std::string(ReasonOfCode(status.code()));
}

bool IsAllocationFailure(const c10::Error& error) {
  return dynamic_cast<const c10::OutOfMemoryError*>(&error) != nullptr ||
         absl::StrContains(error.what_without_backtrace(), "not enough memory") ||
         absl::StrContains(error.what_without_backtrace(), "can't allocate memory");
}

}  // namespace

absl::Status Fail(absl::string_view reason, absl::string_view message) {
  absl::Status status(CodeOf(reason), message);
  status.SetPayload(kReasonUrl, absl::Cord(reason));
  return status;
}

absl::Status WithReason(const absl::Status& status, absl::string_view reason) {
  if (!IsContentError(status) || status.GetPayload(kReasonUrl).has_value()) return status;
  absl::Status with_reason = status;
  with_reason.SetPayload(kReasonUrl, absl::Cord(reason));
  return with_reason;
}

Failure FailureOf(const absl::Status& status) {
  const std::string reason = ReasonOf(status);
  const Reason* row = FindReason(reason);
  return {reason, std::string(status.message()), row == nullptr || row->cost != Cost::kJob};
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
