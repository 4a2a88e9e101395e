// A run's event log, events.jsonl, and what the run says to people beside it.
#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/files.h"
#include "run/event.h"
#include "worker/trainer/core/failure.h"

namespace tune::trainer {

class EventLog {
 public:
  // Opens `path` for appending; `clock` must outlive this. Each event is told on stderr too. One
  // rank of a run tells everything; the others, with `only_failures`, no more than their failures.
  static absl::StatusOr<std::unique_ptr<EventLog>> Open(const std::string& path, Clock* clock,
                                                        bool only_failures = false);

  absl::Status Started(const StartedEvent& event);
  absl::Status Step(const StepEvent& event);
  absl::Status Evaluation(const EvaluationEvent& event);
  absl::Status Checkpoint(const CheckpointEvent& event);
  absl::Status Sample(const SampleEvent& event);
  absl::Status Info(const std::string& text);
  absl::Status Warning(const std::string& text);
  absl::Status Finished(const FinishedEvent& event);
  absl::Status Failed(const Failure& failure);

 private:
  EventLog(std::unique_ptr<OutputFile> file, Clock* clock, bool only_failures)
      : file_(std::move(file)), clock_(clock), only_failures_(only_failures) {}

  // Says `line` and appends the event; does nothing where only failures count.
  absl::Status Tell(absl::string_view line, const RunEvent& event);
  // With one write(2), so that a reader never sees half of a line for long.
  absl::Status Append(const RunEvent& event);

  std::unique_ptr<OutputFile> file_;
  Clock* clock_;
  const bool only_failures_;
};

}  // namespace tune::trainer
