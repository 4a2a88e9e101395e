#include "client/commands/commands.h"
#include "client/commands/following.h"
#include "client/resource_names.h"

namespace tune::client {
namespace {

struct WatchFlags {
  std::string job;
};

absl::StatusOr<ExitCode> Watch(Context& context, const WatchFlags& flags) {
  Interrupt interrupt;
  return FollowToEnd(context, JobName(flags.job), Follow::kVisibly, interrupt);
}

}  // namespace

void AddWatch(CLI::App& app, Command& chosen) {
  auto flags = std::make_shared<WatchFlags>();
  CLI::App& command = Subcommand(app, "watch", "Show a job live; the exit code is its outcome");
  command.footer(
      "Ctrl-C detaches and leaves the job alone. Off a terminal: a line of key=value pairs per\n"
      "event. With -o json: every event, one JSON object a line.");
  command.add_option("job", flags->job, "Job")->required()->type_name("JOB");
  OnChosen(command, chosen, flags, Watch);
}

}  // namespace tune::client
