#include "monitor/metric_families.h"

namespace tune {

void MetricFamilies::Begin(std::string name, std::string help, prometheus::MetricType type) {
  families_.push_back({std::move(name), std::move(help), type, {}});
}

void MetricFamilies::Add(const Labels& labels, double value) {
  prometheus::ClientMetric metric;
  const bool is_counter = families_.back().type == prometheus::MetricType::Counter;
  (is_counter ? metric.counter.value : metric.gauge.value) = value;
  AddMetric(labels, std::move(metric));
}

void MetricFamilies::AddMetric(const Labels& labels, prometheus::ClientMetric metric) {
  for (const auto& [name, text] : labels) metric.label.push_back({name, text});
  families_.back().metric.push_back(std::move(metric));
}

void MetricFamilies::Single(std::string name, std::string help, prometheus::MetricType type,
                            double value) {
  Begin(std::move(name), std::move(help), type);
  Add({}, value);
}

std::vector<prometheus::MetricFamily> MetricFamilies::Take() && {
  std::erase_if(families_, [](const auto& family) { return family.metric.empty(); });
  return std::move(families_);
}

}  // namespace tune
