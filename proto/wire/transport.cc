#include "proto/wire/transport.h"

#include <arpa/inet.h>
#include <grpcpp/resource_quota.h>

#include <chrono>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/files.h"
#include "base/status.h"
#include "proto/wire/identity.h"

namespace tune {
namespace {

constexpr int kKeepaliveTimeMs = 30'000;
constexpr int kKeepaliveTimeoutMs = 10'000;
// The server's tolerance lies below the clients' interval, or a late packet costs a GOAWAY.
constexpr int kMinPingIntervalMs = 10'000;
constexpr int kReconnectMinMs = 200;
constexpr int kReconnectMaxMs = 2'000;
// Field errors travel in trailing metadata, where gRPC's own limit of 8 KiB is short.
constexpr int kMaxMetadataBytes = 64 << 10;
constexpr int kMaxConcurrentStreams = 1000;
constexpr size_t kServerBufferBytes = size_t{256} << 20;

std::string HostOf(absl::string_view address) {
  if (absl::ConsumePrefix(&address, "[")) {
    return std::string(address.substr(0, address.find(']')));
  }
  return std::string(address.substr(0, address.rfind(':')));
}

bool HasTlsFiles(const TransportOptions& options) {
  return !options.ca_file.empty() || !options.cert_file.empty() || !options.key_file.empty();
}

absl::Status CheckFlags(const std::string& address, const TransportOptions& options) {
  if (options.cert_file.empty() != options.key_file.empty()) {
    return absl::InvalidArgumentError("--cert-file and --key-file go together; give both");
  }
  if (HasTlsFiles(options) && options.insecure) {
    return absl::InvalidArgumentError("--insecure and TLS files exclude each other; drop one");
  }
  if (!HasTlsFiles(options) && !options.insecure && !IsLoopback(address)) {
    return absl::InvalidArgumentError(
        absl::StrCat(address,
                     " is not loopback: give TLS files (--ca-file, --cert-file, "
                     "--key-file), or --insecure for plain text"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReadPem(absl::string_view flag, const std::string& path) {
  if (path.empty()) return std::string();
  auto content = ReadFile(path);
  if (!content.ok()) return Annotate(content.status(), flag);
  if (!absl::StrContains(*content, "-----BEGIN ")) {
    return absl::InvalidArgumentError(absl::StrCat(flag, ": ", path, ": not a PEM file"));
  }
  return content;
}

struct Pem {
  std::string ca, cert, key;
};

absl::StatusOr<Pem> ReadPems(const TransportOptions& options) {
  Pem pem;
  ASSIGN_OR_RETURN(pem.ca, ReadPem("--ca-file", options.ca_file));
  ASSIGN_OR_RETURN(pem.cert, ReadPem("--cert-file", options.cert_file));
  ASSIGN_OR_RETURN(pem.key, ReadPem("--key-file", options.key_file));
  return pem;
}

}  // namespace

bool IsLoopback(const std::string& address) {
  if (absl::StartsWith(address, "unix:") || absl::StartsWith(address, "unix-abstract:")) {
    return true;
  }
  const std::string host = HostOf(address);
  in_addr v4;
  in6_addr v6;
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  if (inet_pton(AF_INET6, host.c_str(), &v6) == 1) return IN6_IS_ADDR_LOOPBACK(&v6);
  return host == "localhost";
}

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> ClientCredentials(
    const std::string& address, const TransportOptions& options) {
  RETURN_IF_ERROR(CheckFlags(address, options));
  if (!HasTlsFiles(options)) return grpc::InsecureChannelCredentials();
  ASSIGN_OR_RETURN(Pem pem, ReadPems(options));
  return grpc::SslCredentials({.pem_root_certs = std::move(pem.ca),
                               .pem_private_key = std::move(pem.key),
                               .pem_cert_chain = std::move(pem.cert)});
}

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> ServerCredentials(
    const std::string& address, const TransportOptions& options) {
  RETURN_IF_ERROR(CheckFlags(address, options));
  if (!HasTlsFiles(options)) return grpc::InsecureServerCredentials();
  if (options.cert_file.empty()) {
    return absl::InvalidArgumentError("a server's TLS needs --cert-file and --key-file too");
  }
  ASSIGN_OR_RETURN(Pem pem, ReadPems(options));
  grpc::SslServerCredentialsOptions ssl(
      pem.ca.empty() ? GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE
                     : GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  ssl.pem_root_certs = std::move(pem.ca);
  ssl.pem_key_cert_pairs.push_back({std::move(pem.key), std::move(pem.cert)});
  return grpc::SslServerCredentials(ssl);
}

std::shared_ptr<grpc::Channel> MakeChannel(const std::string& address,
                                           std::shared_ptr<grpc::ChannelCredentials> credentials,
                                           const std::string& user) {
  grpc::ChannelArguments args;
  args.SetMaxReceiveMessageSize(kMaxMessageBytes);
  args.SetMaxSendMessageSize(kMaxMessageBytes);
  args.SetInt(GRPC_ARG_MAX_METADATA_SIZE, kMaxMetadataBytes);
  args.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveTimeMs);
  args.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  args.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  args.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  args.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kReconnectMinMs);
  args.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kReconnectMaxMs);
  // Channels to one address would share a connection otherwise.
  args.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // Proxies of the environment are for the web, not for a fleet's own control plane.
  args.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  return grpc::experimental::CreateCustomChannelWithInterceptors(address, credentials, args,
                                                                 CallsOf(user));
}

void SetServerLimits(grpc::ServerBuilder& builder) {
  builder.SetMaxReceiveMessageSize(kMaxMessageBytes);
  builder.SetMaxSendMessageSize(kMaxMessageBytes);
  builder.SetResourceQuota(grpc::ResourceQuota("server").Resize(kServerBufferBytes));
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMaxMetadataBytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxConcurrentStreams);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveTimeMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             kMinPingIntervalMs);
  // Or a second scheduler on the same port would silently take half of the calls.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
}

std::unique_ptr<grpc::ClientContext> MakeContext(absl::Duration timeout) {
  auto context = std::make_unique<grpc::ClientContext>();
  context->set_deadline(std::chrono::system_clock::now() + absl::ToChronoMilliseconds(timeout));
  return context;
}

}  // namespace tune
