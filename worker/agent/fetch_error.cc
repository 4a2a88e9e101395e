#include "worker/agent/fetch_error.h"

#include "absl/strings/cord.h"
#include "absl/strings/string_view.h"

namespace tune::worker {
namespace {

constexpr absl::string_view kMark = "tune/fetch";

}  // namespace

absl::Status AsFetchError(absl::Status status) {
  status.SetPayload(kMark, absl::Cord());
  return status;
}

bool IsFetchError(const absl::Status& status) { return status.GetPayload(kMark).has_value(); }

}  // namespace tune::worker
