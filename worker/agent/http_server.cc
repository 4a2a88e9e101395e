#include "worker/agent/http_server.h"

#include <CivetServer.h>
#include <prometheus/text_serializer.h>

#include "absl/strings/str_cat.h"

namespace tune::worker {
namespace {

struct Answer {
  int code;
  std::string type;
  std::string body;
};

class Handler : public CivetHandler {
 public:
  explicit Handler(std::function<Answer()> answer) : answer_(std::move(answer)) {}

  bool handleGet(CivetServer*, mg_connection* connection) override {
    const Answer answer = answer_();
    mg_printf(connection,
              "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: "
              "close\r\n\r\n",
              answer.code, mg_get_response_code_text(connection, answer.code), answer.type.c_str(),
              answer.body.size());
    mg_write(connection, answer.body.data(), answer.body.size());
    return true;
  }

 private:
  const std::function<Answer()> answer_;
};

Answer Text(int code, std::string body) {
  return {code, "text/plain; charset=utf-8", std::move(body)};
}

Answer Exposition(const prometheus::Collectable& metrics) {
  return {200, "text/plain; version=0.0.4; charset=utf-8",
          prometheus::TextSerializer().Serialize(metrics.Collect())};
}

Answer Readiness(const std::function<absl::Status()>& readiness) {
  const absl::Status status = readiness();
  return status.ok() ? Text(200, "ok\n") : Text(503, absl::StrCat(status.message(), "\n"));
}

}  // namespace

HttpServer::HttpServer() = default;
HttpServer::~HttpServer() = default;

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(
    const std::string& address, const prometheus::Collectable& metrics,
    std::function<absl::Status()> readiness) {
  std::unique_ptr<HttpServer> http(new HttpServer());
  try {
    http->server_ = std::make_unique<CivetServer>(std::vector<std::string>{
        "listening_ports", address, "num_threads", "2", "request_timeout_ms", "10000"});
  } catch (const CivetException&) {
    return absl::UnavailableError(
        absl::StrCat("cannot listen on ", address,
                     ": the port is in use or the address is not of this machine"));
  }
  http->metrics_ = std::make_unique<Handler>([&metrics] { return Exposition(metrics); });
  http->health_ = std::make_unique<Handler>([] { return Text(200, "ok\n"); });
  http->ready_ = std::make_unique<Handler>(
      [readiness = std::move(readiness)] { return Readiness(readiness); });
  http->server_->addHandler("/metrics$", *http->metrics_);
  http->server_->addHandler("/healthz$", *http->health_);
  http->server_->addHandler("/readyz$", *http->ready_);
  const size_t colon = address.rfind(':');
  const std::string host = colon == std::string::npos ? "" : address.substr(0, colon + 1);
  http->address_ = absl::StrCat(host, http->server_->getListeningPorts().at(0));
  return http;
}

}  // namespace tune::worker
