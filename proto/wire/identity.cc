#include "proto/wire/identity.h"

#include <grpcpp/support/client_interceptor.h>

#include <algorithm>

#include "absl/strings/ascii.h"

namespace tune {
namespace {

using grpc::experimental::ClientInterceptorFactoryInterface;
using grpc::experimental::ClientRpcInfo;
using grpc::experimental::InterceptionHookPoints;
using grpc::experimental::Interceptor;
using grpc::experimental::InterceptorBatchMethods;

constexpr char kUserKey[] = "tune-user";
constexpr size_t kMaxUserBytes = 128;

class NameUser : public Interceptor {
 public:
  explicit NameUser(const std::string& user) : user_(user) {}

  void Intercept(InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::PRE_SEND_INITIAL_METADATA)) {
      methods->GetSendInitialMetadata()->insert({kUserKey, user_});
    }
    methods->Proceed();
  }

 private:
  const std::string& user_;  // the factory's, which lives as long as the channel
};

class NameUserFactory : public ClientInterceptorFactoryInterface {
 public:
  explicit NameUserFactory(std::string user) : user_(std::move(user)) {}
  Interceptor* CreateClientInterceptor(ClientRpcInfo*) override { return new NameUser(user_); }

 private:
  const std::string user_;
};

}  // namespace

std::string MetadataName(const std::string& user) {
  std::string name = user.substr(0, kMaxUserBytes);
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return !absl::ascii_isprint(c); }, '?');
  return name;
}

std::vector<std::unique_ptr<ClientInterceptorFactoryInterface>> CallsOf(const std::string& user) {
  std::vector<std::unique_ptr<ClientInterceptorFactoryInterface>> factories;
  if (!user.empty()) factories.push_back(std::make_unique<NameUserFactory>(MetadataName(user)));
  return factories;
}

std::string UserOf(const grpc::CallbackServerContext& context) {
  const auto found = context.client_metadata().find(kUserKey);
  if (found == context.client_metadata().end()) return "";
  return MetadataName(std::string(found->second.data(), found->second.size()));
}

}  // namespace tune
