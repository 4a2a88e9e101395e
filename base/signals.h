// Signals by which processes end.
#pragma once

#include <string>

namespace tune {

// Whether people, and what people run, end a process by `signal`: SIGKILL, SIGTERM, SIGINT, SIGHUP
// and SIGQUIT. No fault of its own raises one in it; but the kernel uses SIGKILL too, where memory
// runs out (base/oom_kills.h).
bool EndsByOrder(int signal);

std::string SignalText(int signal);  // "signal 9 (Killed)"

// Makes a write beyond the limit of a file's size (RLIMIT_FSIZE) fail with EFBIG, which
// base/files.h calls a full disk, instead of ending this process by SIGXFSZ. Children inherit it.
void IgnoreFileSizeSignal();

}  // namespace tune
