#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "client/commands/commands.h"
#include "client/error_report.h"
#include "client/format.h"
#include "client/paging.h"
#include "client/printer.h"
#include "client/resource_names.h"
#include "tune/v1/jobs.grpc.pb.h"
#include "tune/v1/registry.grpc.pb.h"

namespace tune::client {
namespace {

struct DeleteFlags {
  std::vector<std::string> jobs;
  bool dry_run = false;
};

// "2 checkpoints, 39.0 GB"
absl::StatusOr<std::string> WhatGoes(Context& context, const std::string& job) {
  v1::ListCheckpointsRequest request;
  request.set_parent(job);
  ASSIGN_OR_RETURN(const auto checkpoints,
                   FetchAll(context, &v1::CheckpointService::Stub::ListCheckpoints, request,
                            &v1::ListCheckpointsResponse::checkpoints, LimitOf({.all = true})));
  if (checkpoints.items.empty()) return "no checkpoint";
  int64_t bytes = 0;
  for (const v1::Checkpoint& checkpoint : checkpoints.items) bytes += checkpoint.size_bytes();
  const size_t count = checkpoints.items.size();
  return absl::StrCat(count, count == 1 ? " checkpoint, " : " checkpoints, ", HumanBytes(bytes));
}

absl::Status DeleteOne(Context& context, const std::string& text, bool dry_run) {
  v1::DeleteJobRequest request;
  request.set_name(JobName(text));
  ASSIGN_OR_RETURN(const std::string goes, WhatGoes(context, request.name()));
  if (!dry_run) RETURN_IF_ERROR(context.Delete(&v1::JobService::Stub::DeleteJob, request));
  if (!context.table()) {
    PrintJson(context, {{"name", request.name()}});
    return absl::OkStatus();
  }
  context.out() << "job/" << ShortName(request.name()) << (dry_run ? " would be" : "")
                << " deleted, with its logs and " << goes << "\n";
  return absl::OkStatus();
}

// One that cannot be deleted keeps none of the others from it.
absl::StatusOr<ExitCode> Delete(Context& context, const DeleteFlags& flags) {
  absl::Status failed;
  for (const std::string& job : flags.jobs) {
    failed = Joined(failed, DeleteOne(context, job, flags.dry_run));
  }
  RETURN_IF_ERROR(failed);
  return ExitCode::kOk;
}

}  // namespace

void AddDelete(CLI::App& app, Command& chosen) {
  auto flags = std::make_shared<DeleteFlags>();
  CLI::App& command =
      Subcommand(app, "delete", "Delete jobs that are over, with their checkpoints");
  command.add_option("jobs", flags->jobs, "Jobs")->required()->type_name("JOB...");
  command.add_flag("--dry-run", flags->dry_run, "Only say what would go");
  OnChosen(command, chosen, flags, Delete);
}

}  // namespace tune::client
