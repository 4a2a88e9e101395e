// Jobs and the entries of their histories, as a scheduler tells them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tune/v1/jobs.pb.h"

namespace tune::testing {

v1::JobEvent StateEvent(v1::Job::State state, const std::string& worker = "");
v1::JobEvent StepEvent(int64_t step, int64_t total, double loss);
v1::JobEvent TrainingEntry(const v1::TrainingEvent& event);

// One answer of WatchJob: the events numbered from `first_seq`, a second between two of them.
v1::WatchJobResponse Batch(std::vector<v1::JobEvent> events, const v1::Job& job,
                           int64_t first_seq = 1, int64_t first_second = 1);
v1::Job MakeJob(const std::string& id, v1::Job::State state);

}  // namespace tune::testing
