#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "client/commands/commands.h"
#include "client/error_report.h"
#include "client/resource_names.h"
#include "client/text.h"
#include "tune/v1/jobs.grpc.pb.h"

namespace tune::client {
namespace {

constexpr absl::Duration kFollowLimit = absl::Hours(24 * 30);
constexpr absl::Duration kGiveUp = absl::Minutes(10);
constexpr absl::Duration kPause = absl::Seconds(1);

struct LogsFlags {
  std::string job;
  bool follow = false;
  int64_t tail = 0;
  int32_t attempt = 0;
};

// On a terminal, what a training row put into the log must not drive it. Colour is
// lost there, and carriage returns of progress bars become line ends.
std::string ForTerminal(std::string text) {
  std::replace(text.begin(), text.end(), '\r', '\n');
  return Sanitize(text);
}

class LogReader {
 public:
  LogReader(Context& context, const LogsFlags& flags, std::shared_ptr<grpc::Channel> channel)
      : context_(context), flags_(flags), channel_(std::move(channel)) {}

  absl::Status Run() {
    if (flags_.follow) {
      ASSIGN_OR_RETURN(attempts_, Attempts());
    }
    while (true) {
      const absl::Status status = ReadStream();
      const bool broken = flags_.follow && status.code() == absl::StatusCode::kUnavailable;
      if (!broken || received_ == 0) return status;
      RETURN_IF_ERROR(AwaitReconnect(status));
    }
  }

 private:
  // At least one: the first is yet to come.
  absl::StatusOr<int> Attempts() {
    v1::GetJobRequest request;
    request.set_name(JobName(flags_.job));
    ASSIGN_OR_RETURN(const v1::Job job, context_.Call(&v1::JobService::Stub::GetJob, request));
    return std::max(1, job.attempts_size());
  }

  // Prints what comes after the bytes that an earlier stream brought.
  absl::Status ReadStream() {
    v1::StreamJobLogsRequest request;
    request.set_name(JobName(flags_.job));
    request.set_attempt(flags_.attempt);
    request.set_tail_lines(flags_.tail);
    request.set_follow(flags_.follow);
    const auto call = MakeContext(
        context_.flags().timeout.value_or(flags_.follow ? kFollowLimit : Context::kCheckTimeout));
    v1::JobService::Stub stub(channel_);
    const auto stream = stub.StreamJobLogs(call.get(), request);
    v1::StreamJobLogsResponse response;
    int64_t at = 0;
    while (stream->Read(&response)) {
      const auto size = static_cast<int64_t>(response.data().size());
      const int64_t known = std::clamp<int64_t>(received_ - at, 0, size);
      at += size;
      if (known < size) Print(response.data().substr(known));
    }
    return FromGrpcStatus(stream->Finish());
  }

  void Print(const std::string& data) {
    received_ += static_cast<int64_t>(data.size());
    lost_since_.reset();
    context_.out() << (context_.out_screen().is_terminal ? ForTerminal(data) : data) << std::flush;
  }

  // The same bytes come again only from the same attempt's beginning.
  absl::Status AwaitReconnect(const absl::Status& why) {
    const absl::Duration now = context_.clock().Monotonic();
    if (!lost_since_) context_.Note("connection to the scheduler lost; reconnecting");
    if (!lost_since_) lost_since_ = now;
    while (context_.clock().Monotonic() - *lost_since_ < kGiveUp) {
      context_.SleepFor(kPause);
      const absl::StatusOr<int> attempts = Attempts();
      if (absl::IsUnavailable(attempts.status())) continue;
      RETURN_IF_ERROR(attempts.status());
      if (flags_.tail == 0 && (flags_.attempt > 0 || *attempts == attempts_)) {
        return absl::OkStatus();
      }
      break;
    }
    return WithHint(why, absl::StrCat("tunectl logs -f ", ShortName(flags_.job), " to go on"));
  }

  Context& context_;
  const LogsFlags& flags_;
  const std::shared_ptr<grpc::Channel> channel_;
  int attempts_ = 0;
  int64_t received_ = 0;
  std::optional<absl::Duration> lost_since_;
};

absl::StatusOr<ExitCode> Logs(Context& context, const LogsFlags& flags) {
  ASSIGN_OR_RETURN(auto channel, context.Connect());
  RETURN_IF_ERROR(LogReader(context, flags, std::move(channel)).Run());
  return ExitCode::kOk;
}

}  // namespace

void AddLogs(CLI::App& app, Command& chosen) {
  auto flags = std::make_shared<LogsFlags>();
  CLI::App& command = Subcommand(app, "logs", "Print the trainer's log");
  command.add_option("job", flags->job, "Job")->required()->type_name("JOB");
  command.add_flag("-f,--follow", flags->follow, "Stay until the job is over");
  command.add_option("--tail", flags->tail, "Only the last lines")
      ->check(CLI::PositiveNumber)
      ->type_name("N");
  command.add_option("--attempt", flags->attempt, "Attempt, from 1; default: the latest")
      ->check(CLI::PositiveNumber)
      ->type_name("N");
  OnChosen(command, chosen, flags, Logs);
}

}  // namespace tune::client
