#include <map>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/files.h"
#include "base/ids.h"
#include "base/status.h"
#include "client/commands/commands.h"
#include "client/commands/following.h"
#include "client/data_check.h"
#include "client/data_use.h"
#include "client/error_report.h"
#include "client/format.h"
#include "client/job_file.h"
#include "client/printer.h"
#include "client/resource_names.h"
#include "proto/wire/convert.h"
#include "run/spec.h"
#include "tune/v1/jobs.grpc.pb.h"

namespace tune::client {
namespace {

struct SubmitFlags {
  std::string file;
  std::map<std::string, std::string> fields;  // by flag
  std::vector<std::string> datasets;
  std::vector<std::string> sample_prompts;
  std::vector<std::string> set;
  std::string name;
  std::vector<std::string> labels;
  std::vector<std::string> after;
  std::string after_outcome;
  bool dry_run = false;
  bool wait = false;
  bool watch = false;
};

absl::Status ApplyFields(const SubmitFlags& flags, JobDraft& draft) {
  for (const SpecField& field : SpecFields()) {
    if (field.flag.empty()) continue;
    const std::string& text = flags.fields.at(field.flag);
    if (!text.empty()) RETURN_IF_ERROR(draft.Set(field.path, text, field.flag));
  }
  if (!flags.datasets.empty()) RETURN_IF_ERROR(draft.SetDatasets(flags.datasets));
  if (!flags.sample_prompts.empty()) draft.SetSamplePrompts(flags.sample_prompts);
  for (const std::string& assignment : flags.set) {
    const std::vector<std::string> parts = absl::StrSplit(assignment, absl::MaxSplits('=', 1));
    if (parts.size() != 2) {
      return absl::InvalidArgumentError(absl::StrCat("--set ", assignment, ": write FIELD=VALUE"));
    }
    RETURN_IF_ERROR(draft.Set(parts[0], parts[1], "--set"));
  }
  return absl::OkStatus();
}

absl::StatusOr<JobRequest> ReadRequest(const SubmitFlags& flags) {
  JobDraft draft;
  if (!flags.file.empty()) {
    ASSIGN_OR_RETURN(const std::string text,
                     ReadFile(flags.file == "-" ? "/dev/stdin" : flags.file));
    RETURN_IF_ERROR(draft.ReadFile(text, flags.file == "-" ? "stdin" : flags.file));
  }
  RETURN_IF_ERROR(ApplyFields(flags, draft));
  if (!flags.name.empty()) draft.SetName(flags.name);
  if (!flags.after.empty()) draft.SetAfter(flags.after);
  if (!flags.after_outcome.empty()) draft.SetAfterOutcome(flags.after_outcome);
  for (const std::string& label : flags.labels) RETURN_IF_ERROR(draft.AddLabel(label));
  const absl::StatusOr<JobRequest> request = draft.Finish();
  if (request.ok()) return request;
  return HintOn(absl::StatusCode::kInvalidArgument, request.status(),
                "tunectl submit --help lists the fields");
}

absl::StatusOr<v1::CreateJobRequest> ToProto(const JobRequest& request, bool dry_run) {
  v1::CreateJobRequest proto;
  proto.set_job_id(request.name);
  ASSIGN_OR_RETURN(*proto.mutable_job()->mutable_spec(), RunSpecToProto(request.spec));
  proto.mutable_job()->mutable_labels()->insert(request.labels.begin(), request.labels.end());
  for (const std::string& job : request.after) proto.mutable_job()->add_after(job);
  proto.mutable_job()->set_after_outcome(request.after_outcome);
  proto.set_request_id(NewUuid());
  proto.set_validate_only(dry_run);
  return proto;
}

v1::CheckJobDataRequest CheckOf(const v1::CreateJobRequest& create) {
  v1::CheckJobDataRequest check;
  check.set_job_id(create.job_id());
  *check.mutable_job() = create.job();
  return check;
}

// "Passes over the data (number above 0, to 10000; default 2)".
std::string HelpOf(const SpecField& field) {
  const std::string value = field.DefaultText();
  return absl::StrCat(field.help, " (", field.values, value.empty() ? "" : "; default ", value,
                      ")");
}

std::string QueueText(const v1::Job& job) {
  if (job.state() != v1::Job::QUEUED) return "";
  return job.queue_position() == 0
             ? ", next in the queue"
             : absl::StrCat(", ", job.queue_position(), " before it in the queue");
}

// "about 234 optimizer steps of 64 rows".
std::string StepsText(const v1::Job& job) {
  return absl::StrCat(job.spec().holdout() > 0 ? "about " : "",
                      Counted(job.planned_steps(), "optimizer step"), " of ",
                      Counted(job.spec().batch_size(), "row"));
}

void PrintCreated(Context& context, const v1::Job& job, bool dry_run) {
  for (const v1::Job::DataUse& use : job.data()) context.Note("  " + DataUseText(use));
  if (job.planned_steps() > 0) context.Note("  " + StepsText(job));
  for (const std::string& warning : job.warnings()) context.Note("warning: " + warning);
  const std::string name = ShortName(job.name());
  const std::string label = name.empty() ? "the job" : absl::StrCat("job/", name);
  if (dry_run) {
    context.out() << label << " is valid (dry run: nothing was queued)\n";
    return;
  }
  context.out() << label << " created" << QueueText(job) << "\n" << std::flush;
  context.Note(absl::StrCat("  tunectl watch ", name, "      tunectl logs -f ", name,
                            "      tunectl cancel ", name));
}

absl::StatusOr<ExitCode> Submit(Context& context, const SubmitFlags& flags) {
  std::optional<Interrupt> interrupt;
  if (flags.wait || flags.watch) interrupt.emplace();
  ASSIGN_OR_RETURN(const JobRequest request, ReadRequest(flags));
  ASSIGN_OR_RETURN(const v1::CreateJobRequest create, ToProto(request, flags.dry_run));
  RETURN_IF_ERROR(AwaitDataCheck(context, CheckOf(create),
                                 [&] { return interrupt && interrupt->Requested(); }));
  // --timeout is of the waiting, where there is one.
  auto job = context.Call(&v1::JobService::Stub::CreateJob, create, Context::kCheckTimeout);
  RETURN_IF_ERROR(HintOn(absl::StatusCode::kAlreadyExists, job.status(),
                         "choose another --name, or leave it out"));
  const bool follows = interrupt.has_value() && !flags.dry_run;
  if (context.table()) PrintCreated(context, *job, flags.dry_run);
  // One answer on stdout: the job as it ends, where that is waited for.
  if (!context.table() && !follows) PrintJson(context, MessageToJson(*job));
  if (!follows) return ExitCode::kOk;
  return FollowToEnd(context, job->name(), flags.watch ? Follow::kVisibly : Follow::kSilently,
                     *interrupt);
}

}  // namespace

void AddSubmit(CLI::App& app, Command& chosen) {
  auto flags = std::make_shared<SubmitFlags>();
  CLI::App& command = Subcommand(app, "submit", "Queue a fine-tuning job");
  command.add_option("-f,--file", flags->file, "Job file (YAML), - for stdin")->type_name("FILE");
  command.add_option("--name", flags->name, "Name of the job; default: made up")->type_name("ID");
  command.add_option("--label", flags->labels, "Label, repeatable")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  command.add_option("--after", flags->after, "Begin once this job has succeeded, repeatable")
      ->type_name("JOB")
      ->allow_extra_args(false);
  command
      .add_option("--after-outcome", flags->after_outcome,
                  "success: end with a job of --after that fails; any: begin all the same")
      ->check(CLI::IsMember({"success", "any"}))
      ->type_name("OUTCOME");
  command.add_flag("--dry-run", flags->dry_run, "Check everything, queue nothing");
  auto* wait = command.add_flag("--wait", flags->wait, "Wait for its end; exit code = outcome");
  command.add_flag("--watch", flags->watch, "Watch it live to its end")->excludes(wait);
  command.add_option("--dataset", flags->datasets, "Dataset to train on, repeatable")
      ->type_name("NAME[=WEIGHT]")
      ->allow_extra_args(false);
  command.add_option("--sample-prompt", flags->sample_prompts, "Prompt to sample, repeatable")
      ->type_name("TEXT")
      ->allow_extra_args(false);
  command.add_option("--set", flags->set, "Set any field of the job, repeatable")
      ->type_name("FIELD=VALUE")
      ->allow_extra_args(false);
  for (const SpecField& field : SpecFields()) {
    if (field.flag.empty()) continue;
    command.add_option(field.flag, flags->fields[field.flag], HelpOf(field))
        ->type_name("VALUE")
        ->group("Fields of the job (over those of the file)");
  }
  OnChosen(command, chosen, flags, Submit);
}

}  // namespace tune::client
