#include "monitor/process_collector.h"

#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "base/clock.h"

namespace tune {
namespace {

TEST(ProcessCollectorTest, ValuesArePlausible) {
  for (const auto& family : ProcessCollector().Collect()) {
    const auto& metric = family.metric.at(0);
    const bool counter = family.type == prometheus::MetricType::Counter;
    EXPECT_EQ(counter, absl::EndsWith(family.name, "_total"));
    EXPECT_GT(counter ? metric.counter.value : metric.gauge.value, 0) << family.name;
    if (family.name != "process_start_time_seconds") continue;
    const double now = absl::ToDoubleSeconds(SystemClock().Now() - absl::UnixEpoch());
    EXPECT_LT(metric.gauge.value, now + 2);
    EXPECT_GT(metric.gauge.value, now - 3600);
  }
}

}  // namespace
}  // namespace tune
