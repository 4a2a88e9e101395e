#include "worker/agent/supervisor.h"

#include <signal.h>

#include <algorithm>
#include <optional>

namespace tune::worker {
namespace {

// Sends each signal once.
class Stopper {
 public:
  Stopper(Process& trainer, Clock& clock, const SuperviseOptions& options)
      : trainer_(trainer), clock_(clock), options_(options) {}

  void Apply(StopCause cause) {
    if (cause == StopCause::kNone || killed_) return;
    const absl::Duration now = clock_.Monotonic();
    if (cause >= StopCause::kFolderLost || now >= kill_at_) {
      trainer_.Signal(SIGKILL);
      killed_ = true;
    } else if (cause != told_) {
      if (told_ == StopCause::kNone) trainer_.Signal(SIGTERM);
      told_ = cause;
      kill_at_ = std::min(kill_at_, now + GraceOf(cause));
    }
  }
  bool killed() const { return killed_; }

 private:
  absl::Duration GraceOf(StopCause cause) const {
    return cause == StopCause::kYielding ? options_.yield_grace : options_.grace;
  }

  Process& trainer_;
  Clock& clock_;
  const SuperviseOptions& options_;
  StopCause told_ = StopCause::kNone;
  absl::Duration kill_at_ = absl::InfiniteDuration();
  bool killed_ = false;
};

}  // namespace

SupervisedEnd Supervise(Process& trainer, StopSignal& stop, Clock& clock,
                        const SuperviseOptions& options, const std::function<void()>& on_poll) {
  Stopper stopper(trainer, clock, options);
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
