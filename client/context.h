// What every command gets: flags, streams, clock, and the scheduler's channel.
#pragma once

#include <google/protobuf/empty.pb.h>
#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "client/style.h"
#include "proto/wire/status.h"
#include "proto/wire/transport.h"

namespace tune::client {

// kWide: a table with more columns.
enum class OutputFormat { kTable, kWide, kJson, kYaml };

struct GlobalFlags {
  std::string server = "127.0.0.1:7070";
  TransportOptions transport;
  std::string user;  // who calls; "" names nobody
  OutputFormat output = OutputFormat::kTable;
  bool no_headers = false;
  bool quiet = false;                     // no progress, no next commands
  std::optional<absl::Duration> timeout;  // --timeout, where given
};

// One stream: where the text goes, and what can be shown there.
struct Output {
  std::ostream& stream;
  Screen screen;
};

class Context {
 public:
  using Sleep = std::function<void(absl::Duration)>;

  // Streams and clock must outlive the context.
  Context(GlobalFlags flags, Output out, Output err, Clock& clock, Sleep sleep);

  const GlobalFlags& flags() const { return flags_; }
  bool json() const { return flags_.output == OutputFormat::kJson; }
  bool wide() const { return flags_.output == OutputFormat::kWide; }
  bool table() const { return flags_.output == OutputFormat::kTable || wide(); }

  // Data goes to out; progress, hints and errors to err.
  std::ostream& out() { return out_.stream; }
  std::ostream& err() { return err_.stream; }
  const Screen& out_screen() const { return out_.screen; }
  const Screen& err_screen() const { return err_.screen; }
  // Whether a bar may be drawn on err.
  bool shows_progress() const { return err_.screen.is_terminal && !flags_.quiet; }

  // A line for people on err; nothing with -q.
  void Note(absl::string_view text);

  Clock& clock() { return clock_; }
  void SleepFor(absl::Duration duration) { sleep_(duration); }

  // Connected, within 5 seconds: UNAVAILABLE says why not. Later calls return the
  // same channel without asking again.
  absl::StatusOr<std::shared_ptr<grpc::Channel>> Connect();

  // One unary call with a deadline (--timeout, else `timeout`). Retried on UNAVAILABLE
  // with the same request, which is safe since reads change nothing and mutations carry
  // a request_id (what deletes goes by Delete). NewStub's class is deduced:
  // Call(&v1::JobService::Stub::GetJob, request).
  template <typename Stub, typename Request, typename Response>
  absl::StatusOr<Response> Call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                             Response*),
                                const Request& request, absl::Duration timeout = kCallTimeout) {
    Response response;
    const absl::Status status = Retry(timeout, [&](const auto& channel, auto* context) {
      return (Stub(channel).*method)(context, request, &response);
    });
    if (!status.ok()) return status;
    return response;
  }

  // The same for a call that deletes, which carries no request_id: where an earlier try's answer
  // was lost, NOT_FOUND says that it is gone, as was asked.
  template <typename Stub, typename Request>
  absl::Status Delete(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                   google::protobuf::Empty*),
                      const Request& request) {
    int tries = 0;
    const absl::Status status = Retry(kCallTimeout, [&](const auto& channel, auto* context) {
      ++tries;
      google::protobuf::Empty response;
      return (Stub(channel).*method)(context, request, &response);
    });
    return tries > 1 && absl::IsNotFound(status) ? absl::OkStatus() : status;
  }

  // Reads a server stream to its end, retried from its beginning as Call is. CANCELLED where
  // `on_message` says false.
  template <typename Stub, typename Request, typename Response>
  absl::Status Stream(std::unique_ptr<grpc::ClientReader<Response>> (Stub::*method)(
                          grpc::ClientContext*, const Request&),
                      const Request& request,
                      const std::function<bool(const Response&)>& on_message) {
    return Retry(kStreamTimeout, [&](const auto& channel, auto* context) {
      Stub stub(channel);
      const auto reader = (stub.*method)(context, request);
      Response message;
      while (reader->Read(&message)) {
        if (!on_message(message)) context->TryCancel();
      }
      return reader->Finish();
    });
  }

  static constexpr absl::Duration kCallTimeout = absl::Seconds(30);
  static constexpr absl::Duration kStreamTimeout = absl::Hours(24);
  // Of calls that check a whole upload: every row, every tensor.
  static constexpr absl::Duration kCheckTimeout = absl::Minutes(30);

 private:
  using Attempt =
      std::function<grpc::Status(const std::shared_ptr<grpc::Channel>&, grpc::ClientContext*)>;
  // Only what has been reached is tried again: a wrong address fails at once. gRPC's own retry
  // policy would retry that too (its calls fail after 1.7 s instead of at once), and the streams
  // of watch, logs and pull, which go on from where they broke.
  absl::Status Retry(absl::Duration timeout, const Attempt& attempt);
  absl::Status AwaitConnection(grpc::Channel& channel);

  const GlobalFlags flags_;
  Output out_;
  Output err_;
  Clock& clock_;
  Sleep sleep_;
  std::shared_ptr<grpc::Channel> channel_;
  bool reached_ = false;  // a scheduler has answered
};

}  // namespace tune::client
