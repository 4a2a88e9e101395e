#include "tests/bench/rounds.h"

#include <algorithm>
#include <chrono>
#include <cstdio>

namespace tune::bench {
namespace {

double SecondsTaken(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace

double MedianOf(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values.empty() ? 0 : values[values.size() / 2];
}

Rounds::Rounds(std::string benchmark, int rounds)
    : benchmark_(std::move(benchmark)), rounds_(rounds) {}

void Rounds::Run(const std::vector<std::pair<std::string, std::function<void()>>>& contestants) {
  for (const auto& [name, work] : contestants) {
    names_.push_back(name);
    seconds_.emplace_back();
    work();
  }
  for (int round = 1; round <= rounds_; ++round) {
    for (size_t i = 0; i < contestants.size(); ++i) {
      seconds_[i].push_back(SecondsTaken(contestants[i].second));
      std::fprintf(stderr, "%s: round %d of %d: %s %.4f s\n", benchmark_.c_str(), round, rounds_,
                   names_[i].c_str(), seconds_[i].back());
    }
  }
}

const std::vector<double>& Rounds::SecondsOf(const std::string& name) const {
  return seconds_[std::find(names_.begin(), names_.end(), name) - names_.begin()];
}

double Rounds::Median(const std::string& name) const { return MedianOf(SecondsOf(name)); }

double Rounds::Ratio(const std::string& slow, const std::string& fast) const {
  std::vector<double> ratios;
  const std::vector<double>&over = SecondsOf(slow), &under = SecondsOf(fast);
  for (size_t i = 0; i < over.size(); ++i) ratios.push_back(over[i] / under[i]);
  return MedianOf(ratios);
}

}  // namespace tune::bench
