// Lines for people, on stderr; under a worker they end in trainer.log.
#pragma once

#include "absl/strings/string_view.h"

namespace tune::trainer {

// One line, written at once.
void Progress(absl::string_view line);

}  // namespace tune::trainer
