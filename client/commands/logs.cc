#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "client/commands/commands.h"
#include "client/resource_names.h"
#include "client/text.h"
#include "tune/v1/jobs.grpc.pb.h"

namespace tune::client {
namespace {

constexpr absl::Duration kFollowLimit = absl::Hours(24 * 30);

struct LogsFlags {
  std::string job;
  bool follow = false;
  int64_t tail = 0;
  int32_t attempt = 0;
};

// On a terminal, what a training row put into the log must not drive it. Colour is
// lost there, and carriage returns of progress bars become line ends.
std::string ForTerminal(const std::string& data) {
  std::string text = data;
  std::replace(text.begin(), text.end(), '\r', '\n');
  return Sanitize(text);
}

absl::StatusOr<ExitCode> Logs(Context& context, const LogsFlags& flags) {
  ASSIGN_OR_RETURN(const auto channel, context.Connect());
  v1::StreamJobLogsRequest request;
  request.set_name(JobName(flags.job));
  request.set_attempt(flags.attempt);
  request.set_tail_lines(flags.tail);
  request.set_follow(flags.follow);
  const auto call = MakeContext(
      context.flags().timeout.value_or(flags.follow ? kFollowLimit : Context::kCheckTimeout));
  v1::JobService::Stub stub(channel);
  const auto stream = stub.StreamJobLogs(call.get(), request);
  v1::StreamJobLogsResponse response;
  while (stream->Read(&response)) {
    context.out() << (context.out_screen().is_terminal ? ForTerminal(response.data())
                                                       : response.data())
                  << std::flush;
  }
  RETURN_IF_ERROR(FromGrpcStatus(stream->Finish()));
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
