// /metrics, /healthz and /readyz of a daemon, over plain HTTP.
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

namespace tune {

class HttpEndpoint {
 public:
  // Listens on HOST:PORT (port 0: a free one) at once: /healthz says ok, /readyz 503, and
  // /metrics is empty. The error is FAILED_PRECONDITION where the address is taken or not of
  // this machine.
  static absl::StatusOr<std::unique_ptr<HttpEndpoint>> Start(const std::string& address);
  ~HttpEndpoint();

  // Sets what /metrics shows and /readyz asks from now on: 200 where `ready` is OK, else 503
  // with its message. All that is given must outlive this object.
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

}  // namespace tune
