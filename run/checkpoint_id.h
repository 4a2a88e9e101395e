// What a checkpoint of a run is called: "step-00000012" for one to go on from, "final" for
// the result. The same in a run folder, in the registry and on the command line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace tune {

// `step`: optimizer steps done; at least eight digits, so that names sort by step up to
// 99,999,999.
std::string StepCheckpointId(int64_t step);
inline constexpr absl::string_view kFinalCheckpointId = "final";

// The step of "step-00000012"; nullopt for anything else, "final" and a folder half written
// among them.
std::optional<int64_t> StepOfCheckpointId(absl::string_view id);

}  // namespace tune
