// A job's history as lines of stable key=value pairs, for pipes and log files.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "client/job_view.h"
#include "run/pace.h"
#include "tune/v1/jobs.pb.h"

namespace tune::client {

// What an entry is, for `events` and `describe`: "State RUNNING", "Checkpoint …", and
// the rest of it in words.
struct EventText {
  std::string kind;
  std::string detail;
};
EventText DescribeEvent(const v1::JobEvent& event);

// "TIME step=4210/6570 epoch=1.28 loss=1.041 lr=9.2e-06 grad_norm=0.83
// tokens_per_second=12480 eta_seconds=3840", and a line for every other entry.
// Steps within `interval` of the last line for a step are passed over, except an
// attempt's first and the last one before anything else happens. Order is kept.
class EventLines {
 public:
  explicit EventLines(absl::Duration interval) : interval_(interval) {}

  std::vector<std::string> Lines(const v1::WatchJobResponse& update);

 private:
  void Add(const v1::JobEvent& event, std::vector<std::string>& lines);
  void FlushStep(std::vector<std::string>& lines);
  std::string StepLine(const v1::JobEvent& event) const;

  const absl::Duration interval_;
  Pace pace_;
  std::optional<std::string> held_;  // a step passed over so far
  absl::Time last_step_ = absl::InfinitePast();
};

}  // namespace tune::client
