#include "worker/agent/stop_watch.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <thread>

#include "base/log.h"

namespace tune::worker {
namespace {

sigset_t StopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

int WaitForSignal(absl::Duration timeout) {
  const sigset_t signals = StopSignals();
  const timespec limit = absl::ToTimespec(timeout);
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
    const int second = WaitForSignal(patience);
    spdlog::warn(second > 0 ? "second signal: ends at once" : "did not drain in time: ends");
    _exit(second > 0 ? 128 + second : 1);
  }).detach();
}

}  // namespace tune::worker
