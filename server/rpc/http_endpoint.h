// /metrics, /healthz and /readyz over plain HTTP.
#pragma once

#include <prometheus/collectable.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"

class CivetHandler;
class CivetServer;

namespace tune::server {

class HttpEndpoint {
 public:
  // Listens at once: /healthz says ok, /readyz 503, /metrics is empty.
  // FAILED_PRECONDITION where the address is taken.
  static absl::StatusOr<std::unique_ptr<HttpEndpoint>> Start(const std::string& address);
  ~HttpEndpoint();

  // What /metrics shows and /readyz asks, from now on; all must outlive this object.
  void Serve(std::vector<const prometheus::Collectable*> metrics,
             std::function<absl::Status()> ready);
  // /readyz gives 503 from now on.
  void SetNotReady(const std::string& why);

  // HOST:PORT with the port bound.
  const std::string& address() const { return address_; }

 private:
  HttpEndpoint();
  std::string Metrics();
  absl::Status Ready();

  absl::Mutex mutex_;
  std::vector<const prometheus::Collectable*> metrics_ ABSL_GUARDED_BY(mutex_);
  std::function<absl::Status()> ready_ ABSL_GUARDED_BY(mutex_);
  std::string address_;
  std::vector<std::unique_ptr<CivetHandler>> handlers_;
  std::unique_ptr<CivetServer> server_;
};

}  // namespace tune::server
