// /metrics, /healthz and /readyz over plain HTTP.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <prometheus/collectable.h>
#include "absl/status/statusor.h"

class CivetServer;
class CivetHandler;

namespace tune::worker {

class HttpServer {
 public:
  // Listens on "HOST:PORT" (port 0: a free one) until destroyed. /readyz answers 200 while
  // `readiness` is OK, else 503 with its message. The collectable must outlive this. Errors
  // name the address.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Start(const std::string& address,
                                                           const prometheus::Collectable& metrics,
                                                           std::function<absl::Status()> readiness);
  ~HttpServer();

  // Where it listens, the real port in it.
  const std::string& address() const { return address_; }

 private:
  HttpServer();

  std::string address_;
  std::unique_ptr<CivetHandler> metrics_, health_, ready_;
  std::unique_ptr<CivetServer> server_;  // last: it uses the handlers
};

}  // namespace tune::worker
