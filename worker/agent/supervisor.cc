#include "worker/agent/supervisor.h"

#include <signal.h>

#include <optional>

namespace tune::worker {
namespace {

// Sends each signal once.
class Stopper {
 public:
  Stopper(Process& trainer, Clock& clock, absl::Duration grace)
      : trainer_(trainer), clock_(clock), grace_(grace) {}

  void Apply(StopCause cause) {
    if (cause == StopCause::kNone || killed_) return;
    const absl::Duration now = clock_.Monotonic();
    if (cause >= StopCause::kFolderLost || now >= kill_at_) {
      trainer_.Signal(SIGKILL);
      killed_ = true;
    } else if (kill_at_ == absl::InfiniteDuration()) {
      trainer_.Signal(SIGTERM);
      kill_at_ = now + grace_;
    }
  }
  bool killed() const { return killed_; }

 private:
  Process& trainer_;
  Clock& clock_;
  const absl::Duration grace_;
  absl::Duration kill_at_ = absl::InfiniteDuration();
  bool killed_ = false;
};

}  // namespace

SupervisedEnd Supervise(Process& trainer, StopSignal& stop, Clock& clock,
                        const SuperviseOptions& options, const std::function<void()>& on_poll) {
  Stopper stopper(trainer, clock, options.grace);
  std::optional<ExitStatus> exit;
  while (!(exit = trainer.Poll())) {
    if (clock.Monotonic() >= options.time_limit_at) stop.Raise(StopCause::kTimeLimit);
    const StopCause cause = stop.cause();
    stopper.Apply(cause);
    on_poll();
    stop.WaitForChange(cause, options.poll_interval);
  }
  on_poll();
  return {*exit, stopper.killed()};
}

}  // namespace tune::worker
