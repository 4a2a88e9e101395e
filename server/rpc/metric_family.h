// Building blocks for metrics that are made when scraped.
#pragma once

#include <prometheus/metric_family.h>

#include <string>
#include <utility>
#include <vector>

namespace tune::server {

prometheus::MetricFamily Gauges(std::string name, std::string help);
prometheus::MetricFamily Counters(std::string name, std::string help);

void AddValue(prometheus::MetricFamily& family, double value,
              const std::vector<std::pair<std::string, std::string>>& labels = {});

}  // namespace tune::server
