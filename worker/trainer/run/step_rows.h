// The rows of an optimizer step, by the names they have outside.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "worker/trainer/run/setup.h"

namespace tune::trainer {

struct StepRow {
  std::string dataset;  // "datasets/NAME"
  int64_t row = 0;      // its number in its file (RowPlace)
  int64_t tokens = 0;
  int64_t target_tokens = 0;
};

// The rows of optimizer step `step_index`, counted from 0, in the order of the effective batch's
// slots.
std::vector<StepRow> StepRows(const Setup& setup, int64_t step_index);

}  // namespace tune::trainer
