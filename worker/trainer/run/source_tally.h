// What each dataset of a run has given: its rows, its tokens, its loss.
#pragma once

#include <cstdint>
#include <vector>

#include "run/event.h"
#include "worker/trainer/run/lineage.h"
#include "worker/trainer/run/setup.h"
#include "worker/trainer/run/training.h"

namespace tune::trainer {

// Adds the rows of the step with this index, counted from 0, to what was learned from.
void CountStep(const Setup& setup, int64_t step_index, Lineage* lineage);
// Adds those of every step of the lineage's log that was not skipped. The data's order is a
// function of the step, so a resumed run counts as one that was never stopped.
void CountLog(const Setup& setup, Lineage* lineage);

// What the step had of each dataset that had rows in it, in the spec's order; nothing where the
// run has one dataset, whose loss is the step's. Losses are those that the step has computed
// anyway, and `lineage` has counted the step.
std::vector<SourceStep> SourcesOf(const Setup& setup, int64_t step_index, const StepResult& result,
                                  const Lineage& lineage);

}  // namespace tune::trainer
