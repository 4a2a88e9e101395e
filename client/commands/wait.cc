#include "client/commands/commands.h"
#include "client/commands/following.h"
#include "client/resource_names.h"

namespace tune::client {
namespace {

struct WaitFlags {
  std::string job;
};

absl::StatusOr<ExitCode> Wait(Context& context, const WaitFlags& flags) {
  Interrupt interrupt;
  return FollowToEnd(context, JobName(flags.job), Follow::kSilently, interrupt);
}

}  // namespace

void AddWait(CLI::App& app, Command& chosen) {
  auto flags = std::make_shared<WaitFlags>();
  CLI::App& command =
      Subcommand(app, "wait", "Wait until a job is over; the exit code is its outcome");
  command.add_option("job", flags->job, "Job")->required()->type_name("JOB");
  OnChosen(command, chosen, flags, Wait);
}

}  // namespace tune::client
