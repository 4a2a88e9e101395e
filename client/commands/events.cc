#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "client/commands/commands.h"
#include "client/event_lines.h"
#include "client/follow.h"
#include "client/format.h"
#include "client/printer.h"
#include "client/resource_names.h"

namespace tune::client {
namespace {

struct EventsFlags {
  std::string job;
  bool steps = false;
};

bool IsStep(const v1::JobEvent& event) {
  return event.has_training() && event.training().has_step();
}

absl::StatusOr<ExitCode> Events(Context& context, const EventsFlags& flags) {
  ASSIGN_OR_RETURN(std::vector<v1::JobEvent> events, FetchHistory(context, JobName(flags.job)));
  if (!flags.steps) std::erase_if(events, IsStep);
  PrintList<v1::JobEvent>(context, events, {{"TIME"}, {"ATTEMPT"}, {"EVENT"}, {"DETAIL"}}, "events",
                          [](const v1::JobEvent& event) {
                            const EventText text = DescribeEvent(event);
                            return std::vector<std::string>{
                                Rfc3339(event.time()),
                                event.attempt() > 0 ? absl::StrCat(event.attempt()) : "", text.kind,
                                text.detail};
                          });
  return ExitCode::kOk;
}

}  // namespace

void AddEvents(CLI::App& app, Command& chosen) {
  auto flags = std::make_shared<EventsFlags>();
  CLI::App& command = Subcommand(app, "events", "Show a job's history, newest last");
  command.add_option("job", flags->job, "Job")->required()->type_name("JOB");
  command.add_flag("--steps", flags->steps, "Also every optimizer step");
  OnChosen(command, chosen, flags, Events);
}

}  // namespace tune::client
