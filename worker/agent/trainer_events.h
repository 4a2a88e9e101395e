// What the trainer has told so far, read from the run folder as it grows.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "tune/v1/training.pb.h"
#include "worker/agent/line_tail.h"

namespace tune::worker {

// The event of one line of events.jsonl. A line that is none becomes a warning notice that
// says so, and keeps its place in the sequence.
v1::TrainingEvent ParseEventLine(const std::string& line, int64_t number);

// Not thread-safe.
class TrainerEvents {
 public:
  using Observer = std::function<void(const v1::TrainingEvent&)>;

  // `observer` sees each event once, in order.
  TrainerEvents(const std::string& run_dir, Observer observer);

  // Reads what is new.
  void Poll();

  bool none() const { return tail_.next_line() == 1; }  // not one so far
  bool finished() const { return finished_; }
  const std::optional<v1::TrainingEvent::Failed>& failed() const { return failed_; }

 private:
  void Take(const v1::TrainingEvent& event);

  LineTail tail_;
  const Observer observer_;
  bool finished_ = false;
  std::optional<v1::TrainingEvent::Failed> failed_;
};

}  // namespace tune::worker
