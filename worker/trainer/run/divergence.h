// A loss that gets worse instead of better. No spike shows it: a spike is judged by the losses
// before it, and these have risen already.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/types/span.h"

namespace tune::trainer {

// Steps that must agree for a loss to count as worse than guessing, and by how many nats it must
// exceed that of guessing (the logarithm of the vocabulary's size) and that of the first step.
inline constexpr size_t kGuessingSteps = 4;
inline constexpr double kGuessingMargin = 0.5;
// A loss counts as risen where each of the last kRisenSteps is above all of the first
// kFirstSteps, by this factor.
inline constexpr size_t kFirstSteps = 4;
inline constexpr size_t kRisenSteps = 8;
inline constexpr double kRisenFactor = 1.1;

// As many of the latest losses as say whether something has begun to show.
inline constexpr size_t kDivergenceWindow = kFirstSteps + kRisenSteps + 1;

// What the losses show at the last of them and did not show at the step before, for people; ""
// where that is nothing. `first` are those of the run's first kFirstSteps steps, `last` of its last
// kDivergenceWindow, oldest first, or as many as there are; all are finite.
std::string DivergenceAt(absl::Span<const double> first, absl::Span<const double> last,
                         int64_t vocab_size);

}  // namespace tune::trainer
