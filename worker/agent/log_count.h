// Counts log messages by level, for /metrics.
#pragma once

#include <spdlog/sinks/base_sink.h>

#include <mutex>
#include <string>

#include "worker/agent/metrics.h"

namespace tune::worker {

// The metrics must outlive the logger this is added to.
class LogCountSink : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit LogCountSink(Metrics& metrics) : metrics_(metrics) {}

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    const auto level = spdlog::level::to_string_view(message.level);
    metrics_.LogMessage(std::string(level.data(), level.size()));
  }
  void flush_() override {}

  Metrics& metrics_;
};

}  // namespace tune::worker
