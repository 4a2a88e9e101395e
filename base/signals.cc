#include "base/signals.h"

#include <signal.h>
#include <string.h>

#include "absl/strings/str_cat.h"

namespace tune {

bool EndsByOrder(int signal) {
  return signal == SIGKILL || signal == SIGTERM || signal == SIGINT || signal == SIGHUP ||
         signal == SIGQUIT;
}

std::string SignalText(int signal) {
  return absl::StrCat("signal ", signal, " (", strsignal(signal), ")");
}

void IgnoreFileSizeSignal() { signal(SIGXFSZ, SIG_IGN); }

}  // namespace tune
