// What a job learns from one of its datasets, as a line.
#pragma once

#include <string>

#include "tune/v1/jobs.pb.h"

namespace tune::client {

// "datasets/chip2: 7,400 of 7,473 rows, 1,102,334 tokens learned of 2,040,118; 12 cut, 61 left
// out".
std::string DataUseText(const v1::Job::DataUse& use);

}  // namespace tune::client
