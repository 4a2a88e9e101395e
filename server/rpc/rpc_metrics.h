// Counts and times every call, by an interceptor (names as go-grpc-prometheus has them).
#pragma once

#include <grpcpp/support/server_interceptor.h>
#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <memory>
#include <string>

#include "absl/time/time.h"
#include "base/clock.h"

namespace tune::server {

class RpcMetrics {
 public:
  // Every method of the contract is there from the first scrape on.
  RpcMetrics(prometheus::Registry& registry, Clock& clock);

  // For one server; this object must outlive it.
  std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> MakeInterceptors();

 private:
  friend class CallInterceptor;

  prometheus::Family<prometheus::Counter>& started_;
  prometheus::Family<prometheus::Counter>& handled_;
  prometheus::Family<prometheus::Histogram>& seconds_;
  prometheus::Family<prometheus::Gauge>& streams_;
  Clock& clock_;
};

}  // namespace tune::server
