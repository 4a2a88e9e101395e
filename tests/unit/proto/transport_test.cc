#include "proto/wire/transport.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/field_errors.h"
#include "certificate.h"
#include "proto/wire/status.h"
#include "tests/support/scripted/blobs.h"
#include "tests/support/scripted/loopback_server.h"

namespace tune {
namespace {

using testing::Certificate;
using ::testing::HasSubstr;
using testing::LoopbackServer;
using testing::MakeCertificate;
using testing::ScriptedBlobs;
using testing::WriteTemporary;

TEST(TransportTest, LoopbackIsToldFromTheRest) {
  for (const char* address : {"127.0.0.1:7070", "127.3.2.1:0", "localhost:7070", "[::1]:7070",
                              "unix:/run/tune.sock", "unix-abstract:tune"}) {
    EXPECT_TRUE(IsLoopback(address)) << address;
  }
  for (const char* address : {"0.0.0.0:7070", "[::]:7070", "gpu-a1:7070", "10.0.0.1:7070", "",
                              "127.0.0.1.example.com:7070", "localhost.example.com:1"}) {
    EXPECT_FALSE(IsLoopback(address)) << address;
  }
}

TEST(TransportTest, PlainTextElsewhereNeedsInsecure) {
  const auto refused = ClientCredentials("gpu-a1:7070", {});
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(refused.status().message()), HasSubstr("--insecure"));
  EXPECT_FALSE(ServerCredentials("0.0.0.0:7070", {}).ok());
  EXPECT_TRUE(ServerCredentials("0.0.0.0:7070", {.insecure = true}).ok());
  EXPECT_TRUE(ClientCredentials("localhost:7070", {}).ok());
}

TEST(TransportTest, FlagsThatContradictAreRefused) {
  const std::string pem = WriteTemporary("a.pem", MakeCertificate().cert_pem);
  EXPECT_FALSE(ClientCredentials("a:1", {.ca_file = pem, .insecure = true}).ok());
  EXPECT_FALSE(ClientCredentials("a:1", {.cert_file = pem}).ok());
  EXPECT_FALSE(ServerCredentials("a:1", {.ca_file = pem}).ok());
}

TEST(TransportTest, AFileThatIsNotThereOrNotPemIsNamed) {
  const auto missing = ClientCredentials("a:1", {.ca_file = "/nowhere/ca.pem"});
  EXPECT_EQ(missing.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(missing.status().message()), HasSubstr("--ca-file: /nowhere/ca.pem"));
  const auto text = ClientCredentials("a:1", {.ca_file = WriteTemporary("x", "hello")});
  EXPECT_THAT(std::string(text.status().message()), HasSubstr("not a PEM file"));
}

class TlsTest : public ::testing::Test {
 protected:
  static TransportOptions Files(const std::string& ca, const Certificate* own) {
    return {.ca_file = ca.empty() ? "" : WriteTemporary("ca.pem", ca),
            .cert_file = own ? WriteTemporary("cert.pem", own->cert_pem) : "",
            .key_file = own ? WriteTemporary("key.pem", own->key_pem) : ""};
  }

  // One call to a server with `server` by a client with `client`.
  static grpc::StatusCode Call(const TransportOptions& server, const TransportOptions& client,
                               bool by_name = false) {
    ScriptedBlobs service;
    const LoopbackServer running({&service}, server);
    const std::string port = running.address().substr(running.address().rfind(':'));
    const std::string address = by_name ? "localhost" + port : running.address();
    const auto stub =
        v1::BlobService::NewStub(MakeChannel(address, *ClientCredentials(address, client)));
    v1::StatBlobsResponse response;
    return stub->StatBlobs(MakeContext(absl::Seconds(10)).get(), {}, &response).error_code();
  }

  const Certificate server_ = MakeCertificate();
  const Certificate client_ = MakeCertificate();
};

TEST_F(TlsTest, ClientThatTrustsTheServerGetsThrough) {
  EXPECT_EQ(Call(Files("", &server_), Files(server_.cert_pem, nullptr)), grpc::StatusCode::OK);
  EXPECT_EQ(Call(Files("", &server_), Files(server_.cert_pem, nullptr), /*by_name=*/true),
            grpc::StatusCode::OK);
}

TEST_F(TlsTest, ClientThatTrustsAnotherDoesNot) {
  EXPECT_EQ(Call(Files("", &server_), Files(client_.cert_pem, nullptr)),
            grpc::StatusCode::UNAVAILABLE);
}

TEST_F(TlsTest, PlainTextClientDoesNot) {
  EXPECT_EQ(Call(Files("", &server_), {}), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(TlsTest, AServerWithCaAsksForTheClientsCertificate) {
  const TransportOptions server = Files(client_.cert_pem, &server_);
  EXPECT_EQ(Call(server, Files(server_.cert_pem, &client_)), grpc::StatusCode::OK);
  EXPECT_EQ(Call(server, Files(server_.cert_pem, nullptr)), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(Call(server, Files(server_.cert_pem, &server_)), grpc::StatusCode::UNAVAILABLE);
}

TEST(TransportTest, AMessageAboveTheLimitIsRefused) {
  ScriptedBlobs service;
  const LoopbackServer server({&service});
  const auto stub = v1::BlobService::NewStub(server.channel());
  v1::StatBlobsRequest request;
  request.add_sha256(std::string(kMaxMessageBytes, 'a'));
  v1::StatBlobsResponse response;
  const auto status = stub->StatBlobs(MakeContext(absl::Seconds(10)).get(), request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
}

TEST(TransportTest, TwoServersNeverShareAPort) {
  ScriptedBlobs service;
  const LoopbackServer first({&service});
  grpc::ServerBuilder builder;
  SetServerLimits(builder);
  int port = 0;
  builder.AddListeningPort(first.address(), grpc::InsecureServerCredentials(), &port);
  EXPECT_EQ(builder.BuildAndStart(), nullptr);
}

// The longest status the table lets through must cross a real connection whole.
class LongErrorService : public v1::BlobService::Service {
  grpc::Status StatBlobs(grpc::ServerContext*, const v1::StatBlobsRequest*,
                         v1::StatBlobsResponse*) override {
    FieldErrors errors;
    for (int row = 0; row < 1000; ++row) errors.Add(std::string(300, 'f'), std::string(300, 'm'));
    return ToGrpcStatus(errors.ToStatus(std::string(5000, '\xff')));
  }
};

TEST(TransportTest, LongErrorsCrossTheWire) {
  LongErrorService service;
  const LoopbackServer server({&service});
  v1::StatBlobsResponse response;
  const absl::Status status =
      FromGrpcStatus(v1::BlobService::NewStub(server.channel())
                         ->StatBlobs(MakeContext(absl::Seconds(10)).get(), {}, &response));
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  EXPECT_EQ(FieldErrorsOf(status).size(), 65u);
}

}  // namespace
}  // namespace tune
