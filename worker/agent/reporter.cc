#include "worker/agent/reporter.h"

#include <algorithm>

#include "base/files.h"
#include "base/log.h"
#include "base/status.h"
#include "run/folder.h"
#include "worker/agent/trainer_events.h"

namespace tune::worker {
namespace {

constexpr size_t kEventsPerCall = 500;

}  // namespace

Reporter::Reporter(ControlPlane& control, v1::LeaseKey key, std::string run_dir, StopSignal& stop,
                   ReportOptions options)
    : control_(control),
      key_(std::move(key)),
      log_path_(JoinPath(run_dir, kTrainerLogFile)),
      stop_(stop),
      options_(options),
      events_(JoinPath(run_dir, kEventsFile)),
      thread_([this] { Run(); }) {}

Reporter::~Reporter() {
  if (thread_.joinable()) Abort();
}

void Reporter::Abort() {
  aborted_.Notify();
  if (!finishing_.HasBeenNotified()) finishing_.Notify();
  thread_.join();
}

void Reporter::Run() {
  SendUntilFinished();
  if (IsLeaseEnded(status_)) {
    stop_.Raise(StopCause::kLeaseEnded);
    SendRestOfLog();
  } else if (!status_.ok() && !aborted_.HasBeenNotified()) {
    spdlog::error("{}: report refused: {}", key_.job(), status_.ToString());
    stop_.Raise(StopCause::kReporting);
  }
  done_.Notify();
}

void Reporter::SendUntilFinished() {
  Backoff backoff(options_.backoff);
  while (!aborted_.HasBeenNotified()) {
    const bool last = finishing_.HasBeenNotified();  // before reading, so that nothing is missed
    status_ = SendAll();
    if (status_.ok() && last) break;
    if (!status_.ok() && !IsTransient(status_)) break;
    if (status_.ok()) backoff.Reset();
    Wait(status_.ok() ? options_.poll_interval : backoff.Next());
  }
}

void Reporter::SendRestOfLog() {
  finishing_.WaitForNotification();
  Backoff backoff(options_.backoff);
  while (!aborted_.HasBeenNotified()) {
    const absl::StatusOr<bool> more = SendLog();
    if (more.ok() ? !*more : !IsTransient(more.status())) return;
    if (!more.ok()) aborted_.WaitForNotificationWithTimeout(backoff.Next());
  }
}

void Reporter::Wait(absl::Duration time) const {
  (finishing_.HasBeenNotified() ? aborted_ : finishing_).WaitForNotificationWithTimeout(time);
}

absl::Status Reporter::SendAll() {
  for (bool more = true; more && !aborted_.HasBeenNotified();) {
    ASSIGN_OR_RETURN(const bool more_events, SendEvents());
    ASSIGN_OR_RETURN(const bool more_log, SendLog());
    more = more_events || more_log;
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> Reporter::SendEvents() {
  ASSIGN_OR_RETURN(const auto lines, events_.Peek(kEventsPerCall, call_size_.bytes()));
  if (lines.empty()) return false;
  v1::ReportEventsRequest request;
  *request.mutable_key() = key_;
  request.set_first_seq(events_.next_line());
  int64_t number = events_.next_line();
  for (const std::string& line : lines) *request.add_events() = ParseEventLine(line, number++);

  const auto response = control_.ReportEvents(request);
  call_size_.Judge(response.status());
  RETURN_IF_ERROR(response.status());
  const int64_t sent = request.first_seq() + request.events_size() - 1;
  // What the scheduler holds beyond `sent` it can only have from an earlier call of ours.
  const int64_t held = std::min(response->last_seq(), sent);
  if (held == sent) {
    events_.Consume(lines.size());
    return true;
  }
  spdlog::warn("{}: events are sent again from {}", key_.job(), held + 1);
  RETURN_IF_ERROR(events_.SeekLine(held + 1));
  if (held + 1 == request.first_seq()) return absl::UnavailableError("no event was accepted");
  return true;
}

absl::StatusOr<bool> Reporter::SendLog() {
  if (log_refused_) return false;
  v1::AppendLogsRequest request;
  ASSIGN_OR_RETURN(*request.mutable_data(), ReadPiece(log_path_, log_offset_, call_size_.bytes()));
  if (request.data().empty()) return false;
  *request.mutable_key() = key_;
  request.set_offset(log_offset_);
  const auto response = control_.AppendLogs(request);
  call_size_.Judge(response.status());
  if (!response.ok() && !IsTransient(response.status()) && !IsLeaseEnded(response.status())) {
    // A run is worth more than its log.
    spdlog::warn("{}: the log is not sent on: {}", key_.job(), response.status().ToString());
    log_refused_ = true;
    return false;
  }
  RETURN_IF_ERROR(response.status());
  const int64_t sent = log_offset_ + static_cast<int64_t>(request.data().size());
  const bool progress = response->size_bytes() > log_offset_;
  log_offset_ = std::min(response->size_bytes(), sent);
  return progress;
}

}  // namespace tune::worker
