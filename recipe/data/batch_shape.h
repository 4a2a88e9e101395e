// What the batches of an epoch hold, from the lengths of its examples alone.
#pragma once

#include <cstdint>
#include <vector>

#include "run/spec.h"

namespace tune {

struct BatchShape {
  int64_t batches = 0;       // optimizer steps of one epoch
  double micro_batches = 0;  // of a batch, on average
  double rows = 0;           // of a micro-batch, on average
  double tokens = 0;         // of a micro-batch, on average
  int64_t most_tokens = 0;   // of any
};

// Of the first epoch, as DataOrder shuffles and PackMicroBatches packs it (batches.h), of a dataset
// that has these lengths in tokens and is alone in the run.
BatchShape ShapeOfBatches(const std::vector<int64_t>& lengths, const RunSpec& spec);

}  // namespace tune
