#include <cmath>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/status.h"
#include "client/commands/commands.h"
#include "client/format.h"
#include "client/job_watch.h"
#include "client/paging.h"
#include "client/printer.h"
#include "client/resource_names.h"
#include "client/text.h"
#include "tune/v1/jobs.grpc.pb.h"

namespace tune::client {
namespace {

constexpr int kBarCells = 6;
constexpr size_t kMessageCells = 100;

struct JobListFlags {
  std::vector<std::string> states;
  ListFlags list;
};

std::string ProgressText(const v1::Job& job, const Style& style, bool bar) {
  if (job.progress().total_steps() == 0) return "";
  const double fraction = static_cast<double>(job.progress().step()) /
                          static_cast<double>(job.progress().total_steps());
  // Rounded down: 100% is for what is done.
  const std::string percent = absl::StrFormat("%3.0f%%", std::floor(100 * fraction));
  return bar ? absl::StrCat(style.Bar(fraction, kBarCells), " ", percent)
             : std::string(absl::StripLeadingAsciiWhitespace(percent));
}

std::vector<Table::Column> Columns(bool wide) {
  using enum Table::Align;
  std::vector<Table::Column> columns = {{"NAME"},         {"STATE"},         {"PROGRESS", kRight},
                                        {"LOSS", kRight}, {"TOK/S", kRight}, {"ETA", kRight},
                                        {"WORKER"},       {"REASON"},        {"AGE", kRight}};
  if (wide) columns.insert(columns.end(), {{"OWNER"}, {"MESSAGE"}});
  return columns;
}

std::vector<std::string> WideRow(const v1::Job& job, std::vector<std::string> row) {
  row.insert(row.end(), {job.owner(), Shorten(SanitizeLine(job.message()), kMessageCells)});
  return row;
}

std::vector<std::string> Row(const v1::Job& job, absl::Time now, const Screen& screen) {
  const bool running = job.state() == v1::Job::RUNNING;
  const auto& progress = job.progress();
  // Cells are measured, so they carry no colour.
  Screen plain = screen;
  plain.color = false;
  return {
      ShortName(job.name()),
      v1::Job::State_Name(job.state()),
      ProgressText(job, Style(plain), screen.is_terminal),
      progress.step() > 0 ? HumanNumber(progress.loss()) : "",
      running && progress.tokens_per_second() > 0 ? HumanCount(progress.tokens_per_second()) : "",
      running && progress.eta_seconds() > 0 ? HumanDuration(absl::Seconds(progress.eta_seconds()))
                                            : "",
      ShortName(job.worker()),
      job.reason(),
      Age(job.create_time(), now)};
}

absl::StatusOr<ExitCode> List(Context& context, const JobListFlags& flags) {
  v1::ListJobsRequest request;
  for (const std::string& text : flags.states) {
    v1::Job::State state;
    if (v1::Job::State_Parse(absl::AsciiStrToUpper(text), &state)) request.add_states(state);
  }
  ASSIGN_OR_RETURN(const auto jobs, FetchAll(context, &v1::JobService::Stub::ListJobs, request,
                                             &v1::ListJobsResponse::jobs, LimitOf(flags.list)));
  const absl::Time now = context.clock().Now();
  PrintList<v1::Job>(context, jobs.items, Columns(context.wide()), "jobs", [&](const v1::Job& job) {
    std::vector<std::string> row = Row(job, now, context.out_screen());
    return context.wide() ? WideRow(job, std::move(row)) : row;
  });
  NoteIfMore(context, jobs.more, jobs.items.size());
  return ExitCode::kOk;
}

}  // namespace

void AddList(CLI::App& app, Command& chosen) {
  auto flags = std::make_shared<JobListFlags>();
  CLI::App& command = Subcommand(app, "list", "List jobs, newest first");
  const std::set<std::string> states = {"queued",    "leased", "running",  "paused",
                                        "succeeded", "failed", "cancelled"};
  command
      .add_option(
          "--state", flags->states,
          "Only jobs in this state, repeatable: queued, leased, running, paused, succeeded, "
          "failed, cancelled")
      ->check(CLI::IsMember(states, CLI::ignore_case).description(""))
      ->type_name("STATE")
      ->delimiter(',')
      ->allow_extra_args(false);
  AddListFlags(command, flags->list);
  OnChosen(command, chosen, flags, List);
}

}  // namespace tune::client
