#include "worker/trainer/run/loss_spike.h"

#include <algorithm>
#include <cmath>

namespace tune::trainer {
namespace {

// The normal distribution's upper quartile: what a MAD is of a standard deviation.
constexpr double kUpperQuartile = 0.6745;

// The mean of the middle two where their number is even.
double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

// The last kSpikeWindow finite ones.
std::vector<double> Window(const std::vector<double>& losses) {
  std::vector<double> window;
  for (auto loss = losses.rbegin(); loss != losses.rend() && window.size() < kSpikeWindow; ++loss) {
    if (std::isfinite(*loss)) window.push_back(*loss);
  }
  return window;
}

double Deviation(const std::vector<double>& losses, double median) {
  std::vector<double> distances;
  for (const double loss : losses) distances.push_back(std::abs(loss - median));
  return std::max(Median(std::move(distances)) / kUpperQuartile,
                  kSpikeLeastDeviation * std::abs(median));
}

}  // namespace

std::optional<SpikeScore> ScoreLoss(const std::vector<double>& before, double loss) {
  const std::vector<double> window = Window(before);
  if (window.size() < kSpikeMinimum) return std::nullopt;
  const double median = Median(window);
  const double deviation = Deviation(window, median);
  // Losses that are all zero have no deviation: any other loss is infinitely far.
  const double z = loss == median ? 0 : (loss - median) / deviation;
  return SpikeScore{z, median, window.size()};
}

}  // namespace tune::trainer
