// A scrape's answer, for collectors that read their values when scraped.
#pragma once

#include <prometheus/client_metric.h>
#include <prometheus/metric_family.h>

#include <string>
#include <utility>
#include <vector>

namespace tune {

class MetricFamilies {
 public:
  using Labels = std::vector<std::pair<std::string, std::string>>;

  // Begins a family; each series added next belongs to it.
  void Begin(std::string name, std::string help, prometheus::MetricType type);
  // Adds a series of a gauge or counter.
  void Add(const Labels& labels, double value);
  // Adds a series of any type.
  void AddMetric(const Labels& labels, prometheus::ClientMetric metric);
  // Begins a family that has one series without labels.
  void Single(std::string name, std::string help, prometheus::MetricType type, double value);
  // Families are in the order they were begun; those without a series are left out.
  std::vector<prometheus::MetricFamily> Take() &&;

 private:
  std::vector<prometheus::MetricFamily> families_;
};

}  // namespace tune
