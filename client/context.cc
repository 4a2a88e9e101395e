#include "client/context.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace tune::client {
namespace {

constexpr absl::Duration kConnectTimeout = absl::Seconds(5);
constexpr absl::Duration kFirstPause = absl::Milliseconds(250);
constexpr int kAttempts = 4;

// An HTTP server answers a call with a page, which gRPC reports by the page's status.
absl::Status FromCall(const grpc::Status& status) {
  constexpr char kNotGrpc[] = "http2 header with status";
  if (!absl::StrContains(status.error_message(), kNotGrpc)) return FromGrpcStatus(status);
  return absl::UnavailableError(absl::StrCat("failed to connect: ", status.error_message()));
}

}  // namespace

Context::Context(GlobalFlags flags, Output out, Output err, Clock& clock, Sleep sleep)
    : flags_(std::move(flags)), out_(out), err_(err), clock_(clock), sleep_(std::move(sleep)) {}

void Context::Note(absl::string_view text) {
  if (!flags_.quiet) err() << text << std::endl;
}

absl::StatusOr<std::shared_ptr<grpc::Channel>> Context::Connect() {
  if (channel_) return channel_;
  ASSIGN_OR_RETURN(auto credentials, ClientCredentials(flags_.server, flags_.transport));
  auto channel = MakeChannel(flags_.server, std::move(credentials), flags_.user);
  RETURN_IF_ERROR(AwaitConnection(*channel));
  reached_ = channel->GetState(false) == GRPC_CHANNEL_READY;
  channel_ = std::move(channel);
  return channel_;
}

// A channel that fails says why only to a call, which then fails at once: so only the
// case of no answer at all ends here.
absl::Status Context::AwaitConnection(grpc::Channel& channel) {
  const absl::Duration limit =
      std::min(kConnectTimeout, flags_.timeout.value_or(absl::InfiniteDuration()));
  const auto deadline = std::chrono::system_clock::now() + absl::ToChronoMilliseconds(limit);
  grpc_connectivity_state state = channel.GetState(true);
  while (state != GRPC_CHANNEL_READY && state != GRPC_CHANNEL_TRANSIENT_FAILURE) {
    if (!channel.WaitForStateChange(state, deadline)) {
      return absl::UnavailableError(absl::StrCat("failed to connect: no answer within ",
                                                 absl::FormatDuration(kConnectTimeout)));
    }
    state = channel.GetState(true);
  }
  return absl::OkStatus();
}

absl::Status Context::Retry(absl::Duration timeout, const Attempt& attempt) {
  ASSIGN_OR_RETURN(const auto channel, Connect());
  const absl::Duration limit = flags_.timeout.value_or(timeout);
  absl::Duration pause = kFirstPause;
  for (int i = 1;; ++i, pause *= 2) {
    auto context = MakeContext(limit);
    const absl::Status status = FromCall(attempt(channel, context.get()));
    const bool broken = status.code() == absl::StatusCode::kUnavailable;
    if (!broken || !reached_ || i == kAttempts) return status;
    SleepFor(pause);
  }
}

}  // namespace tune::client
