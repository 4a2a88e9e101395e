#include "worker/agent/stop_watch.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "absl/time/clock.h"
#include "base/log.h"

namespace tune::worker {
namespace {

// Two signals within this time are one order.
constexpr absl::Duration kSameOrder = absl::Seconds(1);

sigset_t StopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

int WaitForSignal(absl::Duration timeout) {
  const sigset_t signals = StopSignals();
  const timespec limit = absl::ToTimespec(std::max(timeout, absl::ZeroDuration()));
  int signal;
  do {
    signal = timeout == absl::InfiniteDuration() ? sigwaitinfo(&signals, nullptr)
                                                 : sigtimedwait(&signals, nullptr, &limit);
  } while (signal < 0 && errno == EINTR);
  return signal;
}

}  // namespace

void BlockStopSignals() {
  const sigset_t signals = StopSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

void OnStopSignal(std::function<void()> drain, absl::Duration patience) {
  std::thread([drain = std::move(drain), patience] {
    const int first = WaitForSignal(absl::InfiniteDuration());
    spdlog::info("SIG{}: drains; a second one ends at once", sigabbrev_np(first));
    drain();
    // timeout(1) and some shells send a signal to the process and again to its group.
    for (const absl::Time until = absl::Now() + kSameOrder; absl::Now() < until;) {
      WaitForSignal(until - absl::Now());
    }
    const int second = WaitForSignal(patience);
    spdlog::warn(second > 0 ? "second signal: ends at once" : "did not drain in time: ends");
    _exit(second > 0 ? 128 + second : 1);
  }).detach();
}

}  // namespace tune::worker
