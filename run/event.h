// What a training run tells while it goes: the lines of events.jsonl in its run folder. Each is
// one TrainingEvent of proto/tune/v1/training.proto in proto3 JSON with the proto's field names,
// and so are the fields of the structs below; tests/unit/proto/event_test.cc holds them together.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "absl/time/time.h"

namespace tune {

// Steps count from 1: an event's `step` is the number of optimizer steps done.

// The first event of every attempt.
struct StartedEvent {
  int64_t total_steps = 0;
  int64_t resumed_step = 0;    // 0, or the step of the checkpoint that the attempt goes on from
  std::string device;          // "cpu", "cuda:0"
  std::string precision;       // "fp32", "bf16"
  int64_t parameters = 0;      // values, trained or not
  int64_t examples = 0;        // of one epoch
  int64_t target_tokens = 0;   // of one epoch
  double flops_per_token = 0;  // floating point operations, forward and backward
};

// What a step had of one of the run's datasets.
struct SourceStep {
  std::string source;  // "datasets/NAME"
  double loss = 0;     // mean over its target tokens in this step, in nats
  int64_t target_tokens = 0;
  // What the run has learned from of it, from its first step on: rows as often as they came,
  // their tokens, and those of them that count in the loss.
  int64_t run_examples = 0;
  int64_t run_tokens = 0;
  int64_t run_target_tokens = 0;
};

struct StepEvent {
  int64_t step = 0;
  int64_t total_steps = 0;
  double epoch = 0;  // epochs done, as a fraction
  double loss = 0;   // mean over the step's target tokens, in nats
  double learning_rate = 0;
  double grad_norm = 0;  // global, before clipping
  int64_t target_tokens = 0;
  int64_t tokens = 0;  // all that went through the model
  int64_t examples = 0;
  double seconds = 0;
  // Wall time of data, forward, backward and optimizer; update_wait, where a device is on its own.
  std::map<std::string, double> phase_seconds;
  std::vector<SourceStep> sources;  // that had rows in it; none where the run has but one
};

struct SourceLoss {
  std::string source;  // "datasets/NAME"
  double loss = 0;     // mean over its target tokens, in nats
  int64_t target_tokens = 0;
};

struct EvaluationEvent {
  int64_t step = 0;
  double loss = 0;  // mean over the target tokens, in nats
  int64_t target_tokens = 0;
  std::vector<SourceLoss> sources;  // of each; none where it evaluates on one dataset
};

// A checkpoint is complete on this host's disk.
struct CheckpointEvent {
  int64_t step = 0;
  double epoch = 0;
  double loss = 0;
  std::string path;    // relative to the run folder: "checkpoints/step-00000012"
  bool final = false;  // the run's result, from which no run goes on
  int64_t size_bytes = 0;
  double seconds = 0;       // that training stood still for it
  double sync_seconds = 0;  // of them, to wait for the disk after the last byte was written
};

struct SampleEvent {
  int64_t step = 0;
  std::string prompt;
  std::string text;
};

struct NoticeEvent {
  enum class Severity { kInfo, kWarning };
  Severity severity = Severity::kInfo;
  std::string text;
};

// The last event of a run that reached its end.
struct FinishedEvent {
  int64_t step = 0;
  std::string checkpoint;  // the final one, relative to the run folder
};

// The last event of an attempt that failed.
struct FailedEvent {
  std::string reason;  // a name of run/reason.h
  std::string message;
  bool retryable = false;  // whether another attempt may go better
};

using RunEvent = std::variant<StartedEvent, StepEvent, EvaluationEvent, CheckpointEvent,
                              SampleEvent, NoticeEvent, FinishedEvent, FailedEvent>;

// The event's line of events.jsonl, with its line feed.
std::string EventLine(absl::Time time, const RunEvent& event);

}  // namespace tune
