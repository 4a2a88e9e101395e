// Gauges of what the scheduler holds, read from the engine when scraped.
#pragma once

#include <prometheus/collectable.h>

#include <string>

#include "server/engine/engine.h"

namespace tune::server {

class FleetCollector : public prometheus::Collectable {
 public:
  FleetCollector(Engine& engine, std::string data_dir)
      : engine_(engine), data_dir_(std::move(data_dir)) {}
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  Engine& engine_;
  const std::string data_dir_;
};

}  // namespace tune::server
