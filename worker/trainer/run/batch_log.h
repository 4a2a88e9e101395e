// batches.jsonl in the run folder: the loss of every row of every step that was trained,
// one JSON object a line:
//
//   {"step":12,"losses":[1.25,0.5,…]}        and "skipped":true where the weights stayed
//
// A loss is per target token, in nats, by slot of the effective batch; `batches` says which
// row that is. What is not finite is written as events.jsonl writes it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/files.h"
#include "worker/trainer/run/setup.h"
#include "worker/trainer/run/training.h"

namespace tune::trainer {

struct BatchRecord {
  std::vector<double> losses;
  bool skipped = false;

  bool operator==(const BatchRecord&) const = default;
};

// What the log keeps of the step with this index, counted from 0.
BatchRecord RecordOf(const Setup& setup, int64_t step_index, const StepResult& result);

// The records by step, counted from 1 as in the file; empty where there is no file. A last line
// without its end, of a step cut short, does not count; an error names the line that is anything
// else.
absl::StatusOr<std::map<int64_t, BatchRecord>> ReadBatchLog(const std::string& path);

class BatchLog {
 public:
  // Opens `path` to go on after `steps_done` steps: what it has of later steps is removed.
  static absl::StatusOr<std::unique_ptr<BatchLog>> Open(const std::string& path,
                                                        int64_t steps_done);

  // `step` counts from 1.
  absl::Status Write(int64_t step, const BatchRecord& record);

 private:
  explicit BatchLog(std::unique_ptr<OutputFile> file) : file_(std::move(file)) {}

  std::unique_ptr<OutputFile> file_;
};

}  // namespace tune::trainer
