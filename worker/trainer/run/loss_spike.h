// Spikes of the loss, by the modified z-score of Iglewicz and Hoaglin (How to Detect and
// Handle Outliers, 1993; NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.5.17):
//
//   z = 0.6745 (loss - median) / MAD,   MAD = median of |loss_i - median|
//
// over the last kSpikeWindow losses. For normal losses z is in standard deviations. Median
// and MAD stay what they are with spikes among those losses, and a lasting change of level
// becomes the new normal.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

namespace tune::trainer {

// Steps looked back at, and how many there must be before one is judged. A longer window
// would hold the fall of the loss at a run's beginning for longer, beside which a spike is small.
inline constexpr size_t kSpikeWindow = 24;
inline constexpr size_t kSpikeMinimum = 16;
// A loss with a z above this is a spike. Iglewicz and Hoaglin advise 3.5 for an outlier; the
// losses of small batches have longer tails than a normal distribution's.
inline constexpr double kSpikeThreshold = 6;
// The least standard deviation that is believed, as a part of the median: where losses
// hardly differ, a small difference is no spike.
inline constexpr double kSpikeLeastDeviation = 0.01;

struct SpikeScore {
  double z = 0;
  double median = 0;
  size_t losses = 0;  // that it was computed from
};

// The score of `loss` after the losses `before`, oldest first, of which those that are not
// finite do not count. Nothing where fewer than kSpikeMinimum are left.
std::optional<SpikeScore> ScoreLoss(const std::vector<double>& before, double loss);

}  // namespace tune::trainer
