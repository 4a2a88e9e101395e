#include "monitor/http_endpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "tests/support/http_get.h"

namespace tune {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(HttpEndpointTest, ProbesFollowTheState) {
  const auto http = *HttpEndpoint::Start("127.0.0.1:0");
  EXPECT_THAT(http->address(), StartsWith("127.0.0.1:"));
  EXPECT_THAT(HttpGet(http->address(), "/healthz"), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(HttpGet(http->address(), "/readyz"), StartsWith("HTTP/1.1 503"));
  EXPECT_EQ(HttpBody(HttpGet(http->address(), "/metrics")), "");
  std::atomic<bool> ok = true;
  http->Serve(
      {}, [&] { return ok ? absl::OkStatus() : absl::ResourceExhaustedError("no space left"); });
  EXPECT_THAT(HttpGet(http->address(), "/readyz"), StartsWith("HTTP/1.1 200"));
  ok = false;
  EXPECT_EQ(HttpBody(HttpGet(http->address(), "/readyz")), "no space left\n");
  http->SetNotReady("stopping");
  EXPECT_THAT(HttpGet(http->address(), "/readyz"), StartsWith("HTTP/1.1 503"));
}

TEST(HttpEndpointTest, APathIsTheWholePath) {
  const auto http = *HttpEndpoint::Start("127.0.0.1:0");
  for (const char* path : {"/", "/nothing", "/metrics/more", "/metricsmore", "/healthz/more"}) {
    EXPECT_THAT(HttpGet(http->address(), path), StartsWith("HTTP/1.1 404")) << path;
  }
}

TEST(HttpEndpointTest, APortInUseSaysWhatToDo) {
  const auto http = *HttpEndpoint::Start("127.0.0.1:0");
  const auto second = HttpEndpoint::Start(http->address());
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(second.status().message()), HasSubstr(http->address()));
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("--metrics-listen"));
}

}  // namespace
}  // namespace tune
