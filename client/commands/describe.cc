#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "base/status.h"
#include "client/commands/commands.h"
#include "client/data_use.h"
#include "client/event_lines.h"
#include "client/follow.h"
#include "client/format.h"
#include "client/job_view.h"
#include "client/job_watch.h"
#include "client/paging.h"
#include "client/printer.h"
#include "client/resource_names.h"
#include "client/text.h"
#include "client/yaml_writer.h"
#include "proto/wire/convert.h"
#include "tune/v1/jobs.grpc.pb.h"
#include "tune/v1/registry.grpc.pb.h"

namespace tune::client {
namespace {

constexpr size_t kEventsShown = 12;
constexpr int kCurveCells = 60;

struct DescribeFlags {
  std::string job;
};

std::string Indented(absl::string_view text) {
  return absl::StrCat("  ", absl::StrReplaceAll(text, {{"\n", "\n  "}}));
}

std::string Labels(const v1::Job& job) {
  std::vector<std::string> labels;
  for (const auto& [key, value] : job.labels()) labels.push_back(absl::StrCat(key, "=", value));
  std::sort(labels.begin(), labels.end());
  return absl::StrJoin(labels, ", ");
}

// "a, b (waits for b)"
std::string After(const v1::Job& job) {
  const auto names = [](const auto& jobs) { return ShortNames({jobs.begin(), jobs.end()}, ", "); };
  const std::string any = job.after_outcome() == "any" ? ", however they end" : "";
  const std::string waits =
      job.waits_for_size() == 0 ? "" : absl::StrCat(" (waits for ", names(job.waits_for()), ")");
  return absl::StrCat(names(job.after()), any, waits);
}

std::string ProgressText(const v1::Job::Progress& progress) {
  if (progress.total_steps() == 0) return "";
  return absl::StrCat(
      "step ", WithCommas(progress.step()), "/", WithCommas(progress.total_steps()), ", epoch ",
      HumanNumber(progress.epoch()), ", loss ", HumanNumber(progress.loss()),
      progress.eval_loss() > 0 ? absl::StrCat(", eval loss ", HumanNumber(progress.eval_loss()))
                               : "");
}

// Of all the tokens that the job has learned so far.
std::string ShareText(const v1::Job::Source& source, const v1::Job::Progress& progress) {
  int64_t all = 0;
  for (const v1::Job::Source& each : progress.sources()) all += each.target_tokens();
  if (all == 0) return "";
  return absl::StrFormat(
      "%.1f%%", 100 * static_cast<double>(source.target_tokens()) / static_cast<double>(all));
}

// As a job file has it: integers as such, not as proto3 JSON's strings.
std::string Spec(const v1::RunSpec& spec) {
  const absl::StatusOr<RunSpec> read = RunSpecFromProto(spec);
  const std::string yaml = ToYaml(read.ok() ? RunSpecToJson(*read) : MessageToJson(spec));
  return absl::StrCat("\nSpec:\n", absl::StripTrailingAsciiWhitespace(Indented(yaml)), "\n");
}

// What may still go wrong before the job has failed; nothing for one that is over.
std::string BudgetText(const v1::Job& job) {
  if (IsOver(job)) return "";
  return absl::StrCat(job.retries_left(), job.retries_left() == 1 ? " retry, " : " retries, ",
                      Counted(job.disruptions_left(), "disruption"), " left");
}

std::string Status(const v1::Job& job, absl::Time now) {
  const bool running = job.state() == v1::Job::RUNNING && job.progress().eta_seconds() > 0;
  Details details;
  details.Add("Name", ShortName(job.name()))
      .Add("State", v1::Job::State_Name(job.state()))
      .Add("Reason", job.reason())
      .Add("Message", job.message())
      .Add("Progress", ProgressText(job.progress()))
      .Add("Left", running ? HumanDuration(absl::Seconds(job.progress().eta_seconds())) : "")
      .Add("Worker", ShortName(job.worker()))
      .Add("Owner", job.owner())
      .Add("Budget", BudgetText(job))
      .Add("Labels", Labels(job))
      .Add("After", After(job))
      .Add("Created",
           absl::StrCat(Rfc3339(job.create_time()), " (", Age(job.create_time(), now), " ago)"))
      .Add("Started", job.has_start_time() ? Rfc3339(job.start_time()) : "")
      .Add("Ended", job.has_end_time() ? Rfc3339(job.end_time()) : "")
      .Add("Result",
           job.final_checkpoint().empty() ? "" : ShortCheckpointName(job.final_checkpoint()));
  for (const v1::Job::DataUse& use : job.data()) details.Add("Data", DataUseText(use));
  for (const std::string& warning : job.warnings()) details.Add("Warning", warning);
  return details.ToText();
}

// Nothing for a job with one dataset, which its progress is of.
std::string Sources(const v1::Job::Progress& progress) {
  Table table({{"SOURCE"},
               {"LOSS", Table::Align::kRight},
               {"EVAL LOSS", Table::Align::kRight},
               {"ROWS", Table::Align::kRight},
               {"TOKENS", Table::Align::kRight},
               {"LEARNED", Table::Align::kRight},
               {"SHARE", Table::Align::kRight}});
  for (const v1::Job::Source& source : progress.sources()) {
    table.AddRow({ShortName(source.source()), source.loss() > 0 ? HumanNumber(source.loss()) : "",
                  source.eval_loss() > 0 ? HumanNumber(source.eval_loss()) : "",
                  WithCommas(source.examples()), WithCommas(source.tokens()),
                  WithCommas(source.target_tokens()), ShareText(source, progress)});
  }
  return table.rows() == 0 ? "" : absl::StrCat("\nSources, so far:\n", table.ToText(true, 2));
}

std::string Attempts(const v1::Job& job) {
  Table table({{"#"}, {"WORKER"}, {"STARTED"}, {"LASTED"}, {"STEPS"}, {"FAULT"}, {"RESULT"}});
  for (const auto& attempt : job.attempts()) {
    const absl::Duration lasted =
        FromTimestamp(attempt.end_time()) - FromTimestamp(attempt.start_time());
    table.AddRow(
        {absl::StrCat(attempt.number()), ShortName(attempt.worker()), Rfc3339(attempt.start_time()),
         attempt.has_end_time() ? HumanDuration(lasted) : "",
         absl::StrCat(WithCommas(attempt.resumed_step()), "-", WithCommas(attempt.last_step())),
         attempt.fault(),
         attempt.message().empty() ? attempt.result()
                                   : absl::StrCat(attempt.result(), " (", attempt.message(), ")")});
  }
  return table.rows() == 0 ? "" : absl::StrCat("\nAttempts:\n", table.ToText(true, 2));
}

std::string Checkpoints(const std::vector<v1::Checkpoint>& checkpoints, absl::Time now) {
  Table table({{"CHECKPOINT"},
               {"STEP", Table::Align::kRight},
               {"LOSS", Table::Align::kRight},
               {"SIZE", Table::Align::kRight},
               {"AGE", Table::Align::kRight}});
  for (const v1::Checkpoint& checkpoint : checkpoints) {
    table.AddRow({ShortName(checkpoint.name()), WithCommas(checkpoint.step()),
                  HumanNumber(checkpoint.loss()), HumanBytes(checkpoint.size_bytes()),
                  Age(checkpoint.create_time(), now)});
  }
  return table.rows() == 0 ? "" : absl::StrCat("\nCheckpoints:\n", table.ToText(true, 2));
}

// Without the steps, which the curve stands for.
std::string Events(const std::vector<v1::JobEvent>& events) {
  std::vector<const v1::JobEvent*> shown;
  for (const v1::JobEvent& event : events) {
    if (!event.has_training() || !event.training().has_step()) shown.push_back(&event);
  }
  const size_t first = shown.size() > kEventsShown ? shown.size() - kEventsShown : 0;
  Table table({{"TIME"}, {"EVENT"}, {"DETAIL"}});
  for (size_t i = first; i < shown.size(); ++i) {
    const EventText text = DescribeEvent(*shown[i]);
    table.AddRow({Rfc3339(shown[i]->time()), text.kind, Shorten(SanitizeLine(text.detail), 100)});
  }
  return table.rows() == 0 ? "" : absl::StrCat("\nEvents:\n", table.ToText(true, 2));
}

std::string Curve(const std::vector<v1::JobEvent>& events, const Style& style) {
  JobView view;
  v1::WatchJobResponse history;
  history.mutable_events()->Assign(events.begin(), events.end());
  view.Apply(history);
  if (view.losses().size() < 2) return "";
  return absl::StrCat("\nLoss:\n  ", style.Sparkline(view.losses(), kCurveCells), "  ",
                      HumanNumber(view.losses().front()), " to ", HumanNumber(view.losses().back()),
                      "\n");
}

absl::StatusOr<ExitCode> Describe(Context& context, const DescribeFlags& flags) {
  v1::GetJobRequest request;
  request.set_name(JobName(flags.job));
  ASSIGN_OR_RETURN(const v1::Job job, context.Call(&v1::JobService::Stub::GetJob, request));
  if (!context.table()) {
    PrintJson(context, MessageToJson(job));
    return ExitCode::kOk;
  }
  v1::ListCheckpointsRequest checkpoints_request;
  checkpoints_request.set_parent(job.name());
  ASSIGN_OR_RETURN(const auto checkpoints,
                   FetchAll(context, &v1::CheckpointService::Stub::ListCheckpoints,
                            checkpoints_request, &v1::ListCheckpointsResponse::checkpoints));
  ASSIGN_OR_RETURN(const std::vector<v1::JobEvent> events, FetchHistory(context, job.name()));
  const absl::Time now = context.clock().Now();
  context.out() << Status(job, now) << Spec(job.spec()) << Sources(job.progress()) << Attempts(job)
                << Checkpoints(checkpoints.items, now) << Curve(events, Style(context.out_screen()))
                << Events(events);
  return ExitCode::kOk;
}

}  // namespace

void AddDescribe(CLI::App& app, Command& chosen) {
  auto flags = std::make_shared<DescribeFlags>();
  CLI::App& command =
      Subcommand(app, "describe", "Show a job: state, spec, attempts, checkpoints, loss, events");
  command.add_option("job", flags->job, "Job")->required()->type_name("JOB");
  OnChosen(command, chosen, flags, Describe);
}

}  // namespace tune::client
