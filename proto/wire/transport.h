// Channels and credentials, the same for all programs: plain text on loopback; anywhere
// else TLS, or an explicit --insecure. Keepalive and message limits match on both sides.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace tune {

// Flags --ca-file, --cert-file, --key-file, --insecure, as given.
struct TransportOptions {
  // PEM; a client's roots, or the roots a server asks clients' certificates of.
  std::string ca_file{};
  // PEM, with key_file; required of a server, for mutual TLS of a client.
  std::string cert_file{};
  std::string key_file{};
  bool insecure = false;
};

// Largest message either side takes: a 1 MiB chunk with room around it.
inline constexpr int kMaxMessageBytes = 4 << 20;
inline constexpr int kChunkBytes = 1 << 20;

// True for "127.0.0.1:7070", "localhost:7070", "[::1]:7070" and "unix:...".
bool IsLoopback(const std::string& address);

// INVALID_ARGUMENT where the address is not loopback and neither TLS files nor insecure
// are given; NOT_FOUND names a file that is not there.
absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> ClientCredentials(
    const std::string& address, const TransportOptions& options);
absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> ServerCredentials(
    const std::string& address, const TransportOptions& options);

// A channel has a connection of its own. Every call of it names `user` (proto/wire/identity.h); ""
// for nobody.
std::shared_ptr<grpc::Channel> MakeChannel(const std::string& address,
                                           std::shared_ptr<grpc::ChannelCredentials> credentials,
                                           const std::string& user = "");
void SetServerLimits(grpc::ServerBuilder& builder);

// A context with a deadline: no call goes without one.
std::unique_ptr<grpc::ClientContext> MakeContext(absl::Duration timeout);

}  // namespace tune
