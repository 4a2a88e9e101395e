// SIGTERM and SIGINT, taken by a thread that waits for them.
#pragma once

#include <functional>

#include "absl/time/time.h"

namespace tune::worker {

// Blocks both signals in the calling thread, and so in all it starts from now on. Call first.
void BlockStopSignals();

// Starts a thread that lives as long as the process: the first signal calls `drain`; a
// second one, or `patience` without the process's end, ends the process at once, and its
// trainer with it.
void OnStopSignal(std::function<void()> drain, absl::Duration patience);

}  // namespace tune::worker
