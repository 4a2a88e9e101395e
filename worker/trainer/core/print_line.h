// Lines for people, on stderr; under a worker they go to trainer.log.
#pragma once

#include "absl/strings/string_view.h"

namespace tune::trainer {

// Writes `line` and a line feed at once.
void PrintLine(absl::string_view line);

}  // namespace tune::trainer
