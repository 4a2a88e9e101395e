#include "recipe/data/example_limit.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace tune {

LengthLimit LimitOf(const RunSpec& spec, int64_t positions) {
  return {std::min(spec.max_length, positions), spec.max_length_policy};
}

Fate Limit(const LengthLimit& limit, Example* example) {
  const bool too_long = static_cast<int64_t>(example->ids.size()) > limit.max_length;
  if (too_long && limit.policy == "error") return Fate::kTooLong;
  if (too_long && limit.policy == "drop") return Fate::kDropped;
  if (too_long) {
    example->ids.resize(limit.max_length);
    example->target.resize(limit.max_length);
  }
  if (example->target_tokens() == 0) return Fate::kWithoutTargets;
  return too_long ? Fate::kTruncated : Fate::kKept;
}

std::string DescribeFate(Fate fate, const LengthLimit& limit) {
  switch (fate) {
    case Fate::kKept:
      return "";
    case Fate::kTruncated:
      return absl::StrCat("cut to ", limit.max_length, " tokens");
    case Fate::kDropped:
      return absl::StrCat("left out: more than ", limit.max_length, " tokens");
    case Fate::kTooLong:
      return absl::StrCat("too long: more than ", limit.max_length, " tokens");
    case Fate::kWithoutTargets:
      return "left out: nothing in it is learned";
  }
  return "";
}

}  // namespace tune
