// Several things timed one after the other, over and over, so that what else the machine does
// meanwhile meets all of them alike.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace tune::bench {

// The upper one of two; 0 of none.
double MedianOf(std::vector<double> values);

class Rounds {
 public:
  // `benchmark` goes before each line of progress. A first round, of neither, warms up.
  Rounds(std::string benchmark, int rounds);

  void Run(const std::vector<std::pair<std::string, std::function<void()>>>& contestants);

  const std::vector<std::string>& names() const { return names_; }
  // Seconds.
  double Median(const std::string& name) const;
  // The median, over the rounds, of the time of `slow` over that of `fast`.
  double Ratio(const std::string& slow, const std::string& fast) const;

 private:
  const std::vector<double>& SecondsOf(const std::string& name) const;

  const std::string benchmark_;
  const int rounds_;
  std::vector<std::string> names_;
  std::vector<std::vector<double>> seconds_;  // of each name, of each round
};

}  // namespace tune::bench
