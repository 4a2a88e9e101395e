#include "server/rpc/metric_family.h"

namespace tune::server {
namespace {

prometheus::MetricFamily Family(std::string name, std::string help, prometheus::MetricType type) {
  prometheus::MetricFamily family;
  family.name = std::move(name);
  family.help = std::move(help);
  family.type = type;
  return family;
}

}  // namespace

prometheus::MetricFamily Gauges(std::string name, std::string help) {
  return Family(std::move(name), std::move(help), prometheus::MetricType::Gauge);
}

prometheus::MetricFamily Counters(std::string name, std::string help) {
  return Family(std::move(name), std::move(help), prometheus::MetricType::Counter);
}

void AddValue(prometheus::MetricFamily& family, double value,
              const std::vector<std::pair<std::string, std::string>>& labels) {
  prometheus::ClientMetric& metric = family.metric.emplace_back();
  for (const auto& [name, text] : labels) metric.label.push_back({name, text});
  const bool is_counter = family.type == prometheus::MetricType::Counter;
  (is_counter ? metric.counter.value : metric.gauge.value) = value;
}

}  // namespace tune::server
