// cancel, pause, resume, retry: what people order of jobs.
#include "absl/strings/str_cat.h"
#include "base/ids.h"
#include "base/status.h"
#include "client/commands/commands.h"
#include "client/error_report.h"
#include "client/printer.h"
#include "client/resource_names.h"
#include "tune/v1/jobs.grpc.pb.h"

namespace tune::client {
namespace {

struct OrderFlags {
  std::vector<std::string> jobs;
  std::string reason;
  bool dry_run = false;
};

// What became of the job, to follow its name: "cancelled", or "would be cancelled".
using Outcome = std::string (*)(const v1::Job& job, bool dry_run);

std::string Cancelled(const v1::Job&, bool dry_run) {
  return dry_run ? "would be cancelled" : "cancelled";
}

std::string Paused(const v1::Job& job, bool dry_run) {
  if (job.state() == v1::Job::PAUSED) return dry_run ? "would be paused" : "paused";
  return absl::StrCat(dry_run ? "would be paused" : "pauses", " once ", ShortName(job.worker()),
                      " has written a checkpoint");
}

std::string Resumed(const v1::Job&, bool dry_run) {
  return dry_run ? "would be resumed" : "resumed";
}

std::string Retried(const v1::Job& job, bool dry_run) {
  return absl::StrCat(dry_run ? "would be queued again" : "queued again",
                      job.latest_checkpoint().empty()
                          ? ", from its beginning"
                          : absl::StrCat(", from ", ShortCheckpointName(job.latest_checkpoint())));
}

template <class Request>
using Method = grpc::Status (v1::JobService::Stub::*)(grpc::ClientContext*, const Request&,
                                                      v1::Job*);

// One that refuses the order keeps none of the others from it.
template <class Request>
absl::StatusOr<ExitCode> Order(Context& context, const OrderFlags& flags, Method<Request> method,
                               Outcome outcome) {
  std::vector<v1::Job> ordered;
  absl::Status failed;
  for (const std::string& job : flags.jobs) {
    Request request;
    request.set_name(JobName(job));
    request.set_reason(flags.reason);
    request.set_request_id(NewUuid());
    request.set_validate_only(flags.dry_run);
    absl::StatusOr<v1::Job> answer = context.Call(method, request);
    failed = Joined(failed, answer.status());
    if (!answer.ok()) continue;
    if (context.table()) {
      context.out() << "job/" << ShortName(answer->name()) << " " << outcome(*answer, flags.dry_run)
                    << "\n";
    }
    ordered.push_back(*std::move(answer));
  }
  if (!context.table()) PrintMessages(context, ordered);
  RETURN_IF_ERROR(failed);
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> Cancel(Context& context, const OrderFlags& flags) {
  return Order<v1::CancelJobRequest>(context, flags, &v1::JobService::Stub::CancelJob, &Cancelled);
}

absl::StatusOr<ExitCode> Pause(Context& context, const OrderFlags& flags) {
  return Order<v1::PauseJobRequest>(context, flags, &v1::JobService::Stub::PauseJob, &Paused);
}

absl::StatusOr<ExitCode> Resume(Context& context, const OrderFlags& flags) {
  return Order<v1::ResumeJobRequest>(context, flags, &v1::JobService::Stub::ResumeJob, &Resumed);
}

absl::StatusOr<ExitCode> Retry(Context& context, const OrderFlags& flags) {
  return Order<v1::RetryJobRequest>(context, flags, &v1::JobService::Stub::RetryJob, &Retried);
}

void AddOrder(CLI::App& app, Command& chosen, const std::string& name,
              const std::string& description,
              absl::StatusOr<ExitCode> (*action)(Context&, const OrderFlags&)) {
  auto flags = std::make_shared<OrderFlags>();
  CLI::App& command = Subcommand(app, name, description);
  command.add_option("jobs", flags->jobs, "Jobs")->required()->type_name("JOB...");
  command.add_option("--reason", flags->reason, "Kept with the job")->type_name("TEXT");
  command.add_flag("--dry-run", flags->dry_run, "Only say what would come of it");
  OnChosen(command, chosen, flags, action);
}

}  // namespace

void AddOrders(CLI::App& app, Command& chosen) {
  AddOrder(app, chosen, "cancel", "End jobs that are not over", Cancel);
  AddOrder(app, chosen, "pause",
           "Let jobs stand still; those that train write a checkpoint and free their worker",
           Pause);
  AddOrder(app, chosen, "resume", "Queue paused jobs again, at their old place", Resume);
  AddOrder(app, chosen, "retry",
           "Queue jobs that failed or were cancelled again, from their last checkpoint", Retry);
}

}  // namespace tune::client
