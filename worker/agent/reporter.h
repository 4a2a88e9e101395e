// Sends one attempt's events and log to the scheduler, in order, from a thread of its own.
// The files in the run folder are the buffer: while the scheduler is away nothing piles up
// in memory, and afterwards everything is sent. The log goes on to its end where the lease has
// ended before: a run that was cancelled is read too.
#pragma once

#include <string>
#include <thread>

#include "absl/synchronization/notification.h"
#include "tune/v1/workers.pb.h"
#include "worker/agent/backoff.h"
#include "worker/agent/call_size.h"
#include "worker/agent/control_plane.h"
#include "worker/agent/line_tail.h"
#include "worker/agent/stop_signal.h"

namespace tune::worker {

struct ReportOptions {
  absl::Duration poll_interval = absl::Milliseconds(200);
  BackoffOptions backoff;
};

// Its owner calls it from one thread.
class Reporter {
 public:
  // Starts the thread. A stale lease raises kLeaseEnded on `stop`, a refusal kReporting.
  Reporter(ControlPlane& control, v1::LeaseKey key, std::string run_dir, StopSignal& stop,
           ReportOptions options);
  ~Reporter();  // aborts

  // The trainer has ended: sends the rest, of an ended lease that of the log, then the thread
  // ends. At most once.
  void Finish() { finishing_.Notify(); }
  // Ends the thread, as soon as the call under way is over, and waits for that. At most once.
  void Abort();
  // True once the thread has ended.
  bool WaitDone(absl::Duration timeout) const {
    return done_.WaitForNotificationWithTimeout(timeout);
  }
  // Why it ended early; OK where all was sent. After the thread's end only.
  const absl::Status& status() const { return status_; }

 private:
  void Run();
  void SendUntilFinished();
  void SendRestOfLog();
  void Wait(absl::Duration time) const;
  absl::Status SendAll();
  absl::StatusOr<bool> SendEvents();
  absl::StatusOr<bool> SendLog();

  ControlPlane& control_;
  const v1::LeaseKey key_;
  const std::string log_path_;
  StopSignal& stop_;
  const ReportOptions options_;

  CallSize call_size_;
  LineTail events_;
  int64_t log_offset_ = 0;
  bool log_refused_ = false;
  absl::Status status_;
  absl::Notification finishing_, aborted_, done_;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace tune::worker
