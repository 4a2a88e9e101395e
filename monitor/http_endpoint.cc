#include "monitor/http_endpoint.h"

#include <CivetServer.h>
#include <prometheus/text_serializer.h>

#include "absl/strings/str_cat.h"

namespace tune {
namespace {

struct Answer {
  absl::Status status;
  std::string body;
  const char* content_type = "text/plain; charset=utf-8";
};

class AnswerHandler : public CivetHandler {
 public:
  explicit AnswerHandler(std::function<Answer()> answer) : answer_(std::move(answer)) {}

  bool handleGet(CivetServer*, mg_connection* connection) override {
    const Answer answer = answer_();
    mg_printf(connection,
              "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
              "Connection: close\r\n\r\n",
              answer.status.ok() ? "200 OK" : "503 Service Unavailable", answer.content_type,
              answer.body.size());
    mg_write(connection, answer.body.data(), answer.body.size());
    return true;
  }

 private:
  const std::function<Answer()> answer_;
};

Answer ProbeAnswer(const absl::Status& status) {
  return {.status = status,
          .body = absl::StrCat(status.ok() ? "ok" : std::string(status.message()), "\n")};
}

}  // namespace

HttpEndpoint::HttpEndpoint() : ready_([] { return absl::UnavailableError("starting"); }) {}

HttpEndpoint::~HttpEndpoint() {
  if (server_) server_->close();  // joins its threads before what they use goes
}

absl::StatusOr<std::unique_ptr<HttpEndpoint>> HttpEndpoint::Start(const std::string& address) {
  std::unique_ptr<HttpEndpoint> endpoint(new HttpEndpoint());
  HttpEndpoint& self = *endpoint;
  try {
    self.server_ = std::make_unique<CivetServer>(std::vector<std::string>{
        "listening_ports", address, "num_threads", "4", "request_timeout_ms", "10000"});
  } catch (const CivetException&) {
    return absl::FailedPreconditionError(
        absl::StrCat("cannot serve metrics on ", address,
                     ": the address is taken or not of this machine; stop what listens there, "
                     "or give another --metrics-listen"));
  }
  const auto serve = [&self](const char* path, std::function<Answer()> answer) {
    self.handlers_.push_back(std::make_unique<AnswerHandler>(std::move(answer)));
    self.server_->addHandler(path, *self.handlers_.back());
  };
  serve("/healthz$", [] { return ProbeAnswer(absl::OkStatus()); });
  serve("/readyz$", [&self] { return ProbeAnswer(self.Ready()); });
  serve("/metrics$", [&self] {
    return Answer{.status = {},
                  .body = self.Metrics(),
                  .content_type = "text/plain; version=0.0.4; charset=utf-8"};
  });
  const std::vector<int> ports = self.server_->getListeningPorts();
  self.address_ = absl::StrCat(address.substr(0, address.rfind(':')), ":", ports.at(0));
  return endpoint;
}

void HttpEndpoint::Serve(std::vector<const prometheus::Collectable*> metrics,
                         std::function<absl::Status()> ready) {
  absl::MutexLock lock(&mutex_);
  metrics_ = std::move(metrics);
  ready_ = std::move(ready);
}

void HttpEndpoint::SetNotReady(const std::string& why) {
  absl::MutexLock lock(&mutex_);
  ready_ = [why] { return absl::UnavailableError(why); };
}

std::string HttpEndpoint::Metrics() {
  std::vector<const prometheus::Collectable*> collectables;
  {
    absl::MutexLock lock(&mutex_);
    collectables = metrics_;
  }
  std::vector<prometheus::MetricFamily> families;
  for (const auto* collectable : collectables) {
    for (auto& family : collectable->Collect()) families.push_back(std::move(family));
  }
  return prometheus::TextSerializer().Serialize(families);
}

absl::Status HttpEndpoint::Ready() {
  std::function<absl::Status()> ready;
  {
    absl::MutexLock lock(&mutex_);
    ready = ready_;
  }
  return ready();
}

}  // namespace tune
