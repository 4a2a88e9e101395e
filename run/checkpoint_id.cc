#include "run/checkpoint_id.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"

namespace tune {

std::string StepCheckpointId(int64_t step) { return absl::StrFormat("step-%08d", step); }

std::optional<int64_t> StepOfCheckpointId(absl::string_view id) {
  int64_t step = 0;
  if (!absl::ConsumePrefix(&id, "step-") || id.size() < 8) return std::nullopt;
  if (!std::all_of(id.begin(), id.end(), absl::ascii_isdigit)) return std::nullopt;
  if (!absl::SimpleAtoi(id, &step)) return std::nullopt;
  return step;
}

}  // namespace tune
