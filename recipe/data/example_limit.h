// What becomes of an example under a limit on its length.
#pragma once

#include <cstdint>
#include <string>

#include "recipe/data/example.h"
#include "run/spec.h"

namespace tune {

// A spec's max_length and max_length_policy: "error", "truncate" or "drop".
struct LengthLimit {
  int64_t max_length = 0;  // tokens, the end token counted
  std::string policy;
};

// The spec's, of a model that sees `positions` tokens at once: an example can be no longer.
LengthLimit LimitOf(const RunSpec& spec, int64_t positions);

enum class Fate {
  kKept,
  kTruncated,       // kept, without what is above the limit
  kDropped,         // left out, being too long
  kTooLong,         // an error, under the policy "error"
  kWithoutTargets,  // left out: nothing in it, or in what was not cut off, is learned
};

// Shortens `example` where the limit says so. The end token goes with what is cut: the answer did
// not end there.
Fate Limit(const LengthLimit& limit, Example* example);

// Why the model does not learn from such a row as it is, for people: "cut to 1024 tokens"; "" for
// kKept.
std::string DescribeFate(Fate fate, const LengthLimit& limit);

}  // namespace tune
