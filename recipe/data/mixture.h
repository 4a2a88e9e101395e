// How many rows of each source an epoch of a mixture has.
//
// `concatenate`: each source by itself, round(examples * weight); weight 1 is every row once.
//
// `proportional`: shares in proportion to weight * min(examples, limit) ^ (1 / temperature), which
// for weight 1 is examples-proportional mixing with a limit, and temperature-scaled mixing, as
// Raffel et al. 2019 (arXiv:1910.10683, section 3.5.2) have them and FLAN takes them over (Wei et
// al. 2021, arXiv:2109.01652, section 2.1: a limit of 3000). Temperature 1 follows the sizes, and
// the higher it is the more alike are the shares. Without `rows`, an epoch has as many rows as the
// sources have within the limit.
//
// `weights`: shares in proportion to weight, whatever the sizes. Without `rows`, an epoch has as
// many rows as the sources.
//
// Shares become counts by the method of largest remainders: they add up to the epoch's rows, and
// none is off by one row or more. A share above a source's rows repeats them, each as often as any
// other but for the last fraction of a pass (batches.h).
#pragma once

#include <cstdint>
#include <vector>

#include "run/spec.h"

namespace tune {

struct SourceSize {
  int64_t examples;
  double weight;  // DatasetSource's
};

// For each source, in order.
std::vector<int64_t> DrawsPerEpoch(const MixtureSpec& mixture,
                                   const std::vector<SourceSize>& sources);

}  // namespace tune
