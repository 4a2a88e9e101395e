#include "server/rpc/rpc_metrics.h"

#include <utility>
#include <vector>

#include "absl/strings/str_split.h"
#include "tune/v1/jobs.pb.h"
#include "tune/v1/registry.pb.h"
#include "tune/v1/workers.pb.h"

namespace tune::server {

using grpc::experimental::InterceptionHookPoints;
using grpc::experimental::InterceptorBatchMethods;
using grpc::experimental::ServerRpcInfo;
using prometheus::Labels;

namespace {

const prometheus::Histogram::BucketBoundaries kSecondsBuckets = {
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};

const char* CodeName(grpc::StatusCode code) {
  static constexpr const char* kNames[] = {
      "OK",       "Canceled",       "Unknown",          "InvalidArgument",   "DeadlineExceeded",
      "NotFound", "AlreadyExists",  "PermissionDenied", "ResourceExhausted", "FailedPrecondition",
      "Aborted",  "OutOfRange",     "Unimplemented",    "Internal",          "Unavailable",
      "DataLoss", "Unauthenticated"};
  return code >= 0 && code <= 16 ? kNames[code] : "Unknown";
}

const char* TypeName(bool client_streams, bool server_streams) {
  if (client_streams) return server_streams ? "bidi_stream" : "client_stream";
  return server_streams ? "server_stream" : "unary";
}

const char* TypeName(ServerRpcInfo::Type type) {
  return TypeName(
      type == ServerRpcInfo::Type::CLIENT_STREAMING || type == ServerRpcInfo::Type::BIDI_STREAMING,
      type == ServerRpcInfo::Type::SERVER_STREAMING || type == ServerRpcInfo::Type::BIDI_STREAMING);
}

Labels LabelsOf(const std::string& service, const std::string& method, const char* type) {
  return {{"grpc_service", service}, {"grpc_method", method}, {"grpc_type", type}};
}

// "/tune.v1.JobService/GetJob".
std::pair<std::string, std::string> SplitMethod(const char* path) {
  const std::vector<std::string> parts = absl::StrSplit(path, '/');
  return parts.size() == 3 ? std::make_pair(parts[1], parts[2]) : std::make_pair("", path);
}

Labels WithCode(Labels labels, grpc::StatusCode code) {
  labels["grpc_code"] = CodeName(code);
  return labels;
}

template <class Visit>
void VisitMethods(const Visit& visit) {
  for (const auto* file : {v1::Job::descriptor()->file(), v1::Dataset::descriptor()->file(),
                           v1::Worker::descriptor()->file()}) {
    for (int s = 0; s < file->service_count(); ++s) {
      for (int m = 0; m < file->service(s)->method_count(); ++m)
        visit(*file->service(s)->method(m));
    }
  }
}

}  // namespace

// Lives as long as its call.
class CallInterceptor : public grpc::experimental::Interceptor {
 public:
  CallInterceptor(RpcMetrics& metrics, ServerRpcInfo* info)
      : metrics_(metrics), begin_(metrics.clock_.Monotonic()) {
    const auto [service, method] = SplitMethod(info->method());
    labels_ = LabelsOf(service, method, TypeName(info->type()));
    metrics_.started_.Add(labels_).Increment();
    if (info->type() != ServerRpcInfo::Type::SERVER_STREAMING) return;
    open_ = &metrics_.streams_.Add({{"method", method}});
    open_->Increment();
  }

  ~CallInterceptor() override {
    if (!handled_) Handled(grpc::StatusCode::CANCELLED);
    if (open_ != nullptr) open_->Decrement();
  }

  void Intercept(InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::PRE_SEND_STATUS)) {
      Handled(methods->GetSendStatus().error_code());
    }
    methods->Proceed();
  }

 private:
  void Handled(grpc::StatusCode code) {
    handled_ = true;
    metrics_.handled_.Add(WithCode(labels_, code)).Increment();
    metrics_.seconds_.Add(labels_, kSecondsBuckets)
        .Observe(absl::ToDoubleSeconds(metrics_.clock_.Monotonic() - begin_));
  }

  RpcMetrics& metrics_;
  const absl::Duration begin_;
  Labels labels_;
  prometheus::Gauge* open_ = nullptr;
  bool handled_ = false;
};

namespace {

class CallInterceptorFactory : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  explicit CallInterceptorFactory(RpcMetrics& metrics) : metrics_(metrics) {}
  grpc::experimental::Interceptor* CreateServerInterceptor(ServerRpcInfo* info) override {
    return new CallInterceptor(metrics_, info);  // gRPC takes it
  }

 private:
  RpcMetrics& metrics_;
};

}  // namespace

RpcMetrics::RpcMetrics(prometheus::Registry& registry, Clock& clock)
    : started_(prometheus::BuildCounter()
                   .Name("grpc_server_started_total")
                   .Help("RPCs started on the server")
                   .Register(registry)),
      handled_(prometheus::BuildCounter()
                   .Name("grpc_server_handled_total")
                   .Help("RPCs completed on the server")
                   .Register(registry)),
      seconds_(prometheus::BuildHistogram()
                   .Name("grpc_server_handling_seconds")
                   .Help("Time from start to completion of an RPC")
                   .Register(registry)),
      streams_(prometheus::BuildGauge()
                   .Name("tune_watch_streams")
                   .Help("Server streams currently open")
                   .Register(registry)),
      clock_(clock) {
  VisitMethods([this](const google::protobuf::MethodDescriptor& method) {
    const Labels labels = LabelsOf(method.service()->full_name(), method.name(),
                                   TypeName(method.client_streaming(), method.server_streaming()));
    started_.Add(labels);
    handled_.Add(WithCode(labels, grpc::StatusCode::OK));
    seconds_.Add(labels, kSecondsBuckets);
    if (method.server_streaming()) streams_.Add({{"method", method.name()}});
  });
}

std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>
RpcMetrics::MakeInterceptors() {
  return std::make_unique<CallInterceptorFactory>(*this);
}

}  // namespace tune::server
