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

struct CancelFlags {
  std::vector<std::string> jobs;
  std::string reason;
};

absl::StatusOr<v1::Job> CancelOne(Context& context, const std::string& job,
                                  const std::string& reason) {
  v1::CancelJobRequest request;
  request.set_name(JobName(job));
  request.set_reason(reason);
  request.set_request_id(NewUuid());
  return context.Call(&v1::JobService::Stub::CancelJob, request);
}

// One that cannot be cancelled keeps none of the others from it.
absl::StatusOr<ExitCode> Cancel(Context& context, const CancelFlags& flags) {
  std::vector<v1::Job> cancelled;
  absl::Status failed;
  for (const std::string& job : flags.jobs) {
    absl::StatusOr<v1::Job> answer = CancelOne(context, job, flags.reason);
    failed = Joined(failed, answer.status());
    if (!answer.ok()) continue;
    if (context.table()) context.out() << "job/" << ShortName(answer->name()) << " cancelled\n";
    cancelled.push_back(*std::move(answer));
  }
  if (!context.table()) PrintMessages(context, cancelled);
  RETURN_IF_ERROR(failed);
  return ExitCode::kOk;
}

}  // namespace

void AddCancel(CLI::App& app, Command& chosen) {
  auto flags = std::make_shared<CancelFlags>();
  CLI::App& command = Subcommand(app, "cancel", "End jobs that are not over");
  command.add_option("jobs", flags->jobs, "Jobs")->required()->type_name("JOB...");
  command.add_option("--reason", flags->reason, "Kept with the job")->type_name("TEXT");
  OnChosen(command, chosen, flags, Cancel);
}

}  // namespace tune::client
