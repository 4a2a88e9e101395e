#include "recipe/data/mixture.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace tune {
namespace {

int64_t WithinLimit(const MixtureSpec& mixture, int64_t examples) {
  return mixture.limit > 0 ? std::min(examples, mixture.limit) : examples;
}

// A source's share of an epoch, relative to the others'.
double Rate(const MixtureSpec& mixture, const SourceSize& source) {
  if (source.examples == 0) return 0;
  if (mixture.method == "weights") return source.weight;
  const auto size = static_cast<double>(WithinLimit(mixture, source.examples));
  return source.weight * std::pow(size, 1 / mixture.temperature);
}

int64_t RowsPerEpoch(const MixtureSpec& mixture, const std::vector<SourceSize>& sources) {
  if (mixture.rows > 0) return mixture.rows;
  int64_t rows = 0;
  for (const SourceSize& source : sources) rows += WithinLimit(mixture, source.examples);
  return rows;
}

// `rates` in whole numbers that add up to `rows`: each share rounded down, and the rows that are
// left to those that lost most.
std::vector<int64_t> Apportion(const std::vector<double>& rates, int64_t rows) {
  const double sum = std::accumulate(rates.begin(), rates.end(), 0.0);
  std::vector<int64_t> counts(rates.size(), 0);
  if (!(sum > 0)) return counts;
  std::vector<double> lost(rates.size());
  for (size_t i = 0; i < rates.size(); ++i) {
    const double share = static_cast<double>(rows) * (rates[i] / sum);
    counts[i] = static_cast<int64_t>(share);
    lost[i] = share - static_cast<double>(counts[i]);
  }
  std::vector<size_t> order(rates.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return lost[a] > lost[b]; });
  int64_t left = rows - std::accumulate(counts.begin(), counts.end(), int64_t{0});
  for (size_t i = 0; left > 0 && i < order.size(); ++i) {
    if (rates[order[i]] > 0) ++counts[order[i]], --left;
  }
  return counts;
}

}  // namespace

std::vector<int64_t> DrawsPerEpoch(const MixtureSpec& mixture,
                                   const std::vector<SourceSize>& sources) {
  if (mixture.method != "concatenate") {
    std::vector<double> rates;
    for (const SourceSize& source : sources) rates.push_back(Rate(mixture, source));
    return Apportion(rates, RowsPerEpoch(mixture, sources));
  }
  std::vector<int64_t> draws;
  for (const SourceSize& source : sources) {
    draws.push_back(std::llround(static_cast<double>(source.examples) * source.weight));
  }
  return draws;
}

}  // namespace tune
