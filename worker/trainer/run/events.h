// events.jsonl: one TrainingEvent of proto/tune/v1/training.proto a line, in proto3 JSON
// with the proto's field names.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/files.h"
#include "base/json.h"
#include "worker/trainer/core/failure.h"

namespace tune::trainer {

struct StartedEvent {
  int64_t total_steps = 0;
  int64_t resumed_step = 0;
  std::string device;
  std::string precision;
  int64_t parameters = 0;
  int64_t examples = 0;
  int64_t target_tokens = 0;
  double flops_per_token = 0;
};

struct StepEvent {
  int64_t step = 0;
  int64_t total_steps = 0;
  double epoch = 0;
  double loss = 0;
  double learning_rate = 0;
  double grad_norm = 0;
  int64_t target_tokens = 0;
  int64_t tokens = 0;
  int64_t examples = 0;
  double seconds = 0;
  std::map<std::string, double> phase_seconds;
};

struct CheckpointEvent {
  int64_t step = 0;
  double epoch = 0;
  double loss = 0;
  std::string path;
  bool final = false;
  int64_t size_bytes = 0;
  double seconds = 0;
};

class EventLog {
 public:
  // Opens `path` for appending; `clock` must outlive this. Progress for people goes to
  // stderr beside it. One rank of a run tells of it; the others only of their failures.
  static absl::StatusOr<std::unique_ptr<EventLog>> Open(const std::string& path, Clock* clock,
                                                        bool only_failures = false);

  absl::Status Started(const StartedEvent& event);
  absl::Status Step(const StepEvent& event);
  absl::Status Evaluation(int64_t step, double loss, int64_t target_tokens);
  absl::Status Checkpoint(const CheckpointEvent& event);
  absl::Status Sample(int64_t step, const std::string& prompt, const std::string& text);
  absl::Status Info(const std::string& text) { return Notice("INFO", text); }
  absl::Status Warning(const std::string& text) { return Notice("WARNING", text); }
  absl::Status Finished(int64_t step, const std::string& checkpoint);
  absl::Status Failed(const Failure& failure);

 private:
  EventLog(std::unique_ptr<OutputFile> file, Clock* clock, bool only_failures)
      : file_(std::move(file)), clock_(clock), only_failures_(only_failures) {}

  absl::Status Notice(const std::string& severity, const std::string& text);
  // Progress, unless only failures count.
  void Say(absl::string_view line) const;
  // Nothing where only failures count.
  absl::Status Write(const char* kind, Json event);
  // One write(2) per line, so that a reader never sees half of one for long.
  absl::Status Append(const char* kind, Json event);

  std::unique_ptr<OutputFile> file_;
  Clock* clock_;
  const bool only_failures_;
};

// A double as proto3 JSON has it: the number, or "NaN", "Infinity", "-Infinity".
Json JsonNumber(double value);
// Its inverse; nothing for any other value.
std::optional<double> NumberOfJson(const Json& json);

}  // namespace tune::trainer
