// cordon, uncordon, drain: workers out of service, and back.
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "client/commands/commands.h"
#include "client/format.h"
#include "client/printer.h"
#include "client/resource_names.h"
#include "tune/v1/workers.grpc.pb.h"

namespace tune::client {
namespace {

constexpr absl::Duration kBetweenLooks = absl::Milliseconds(500);

struct ServiceFlags {
  std::string name;
  std::string reason;
  bool now = false;
  bool dry_run = false;
};

absl::StatusOr<v1::Worker> CordonOne(Context& context, const ServiceFlags& flags) {
  v1::CordonWorkerRequest request;
  request.set_name(WorkerName(flags.name));
  request.set_reason(flags.reason);
  request.set_yield(flags.now);
  request.set_validate_only(flags.dry_run);
  return context.Call(&v1::WorkerService::Stub::CordonWorker, request);
}

// "worker/w cordoned", or the worker as JSON or YAML.
void Tell(Context& context, const v1::Worker& worker, const std::string& what) {
  if (!context.table()) return PrintJson(context, MessageToJson(worker));
  context.out() << "worker/" << ShortName(worker.name()) << " " << what << "\n";
}

absl::StatusOr<ExitCode> Cordon(Context& context, const ServiceFlags& flags) {
  ASSIGN_OR_RETURN(const v1::Worker worker, CordonOne(context, flags));
  Tell(context, worker, flags.dry_run ? "would be cordoned" : "cordoned");
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> Uncordon(Context& context, const ServiceFlags& flags) {
  v1::UncordonWorkerRequest request;
  request.set_name(WorkerName(flags.name));
  request.set_validate_only(flags.dry_run);
  RETURN_IF_ERROR(context.Call(&v1::WorkerService::Stub::UncordonWorker, request).status());
  v1::Worker worker;
  worker.set_name(request.name());
  Tell(context, worker, flags.dry_run ? "would be uncordoned" : "uncordoned");
  return ExitCode::kOk;
}

// "a, b": what it trains still.
std::string JobsOf(const v1::Worker& worker) {
  return ShortNames({worker.jobs().begin(), worker.jobs().end()}, ", ");
}

// Until the worker holds no job, or is gone.
absl::StatusOr<v1::Worker> AwaitIdle(Context& context, v1::Worker worker) {
  const absl::Duration start = context.clock().Monotonic();
  const absl::Duration limit = context.flags().timeout.value_or(absl::InfiniteDuration());
  while (worker.jobs_size() > 0) {
    if (context.clock().Monotonic() - start >= limit) {
      return absl::DeadlineExceededError(
          absl::StrCat("worker/", ShortName(worker.name()), " still trains ", JobsOf(worker)));
    }
    context.SleepFor(kBetweenLooks);
    v1::GetWorkerRequest request;
    request.set_name(worker.name());
    auto now = context.Call(&v1::WorkerService::Stub::GetWorker, request);
    if (absl::IsNotFound(now.status())) break;
    RETURN_IF_ERROR(now.status());
    worker = *std::move(now);
  }
  worker.clear_jobs();
  return worker;
}

absl::StatusOr<ExitCode> Drain(Context& context, const ServiceFlags& flags) {
  ASSIGN_OR_RETURN(v1::Worker worker, CordonOne(context, flags));
  if (flags.dry_run) {
    const std::string jobs = worker.jobs_size() == 0 ? "" : absl::StrCat(" of ", JobsOf(worker));
    Tell(context, worker, absl::StrCat("would be drained", jobs));
    return ExitCode::kOk;
  }
  if (worker.jobs_size() > 0) {
    context.Note(absl::StrCat("cordoned, waits for ", JobsOf(worker),
                              flags.now
                                  ? " to write a checkpoint"
                                  : " to end (--now: to write a checkpoint and go elsewhere)"));
  }
  ASSIGN_OR_RETURN(worker, AwaitIdle(context, std::move(worker)));
  Tell(context, worker, "drained");
  return ExitCode::kOk;
}

CLI::App& AddServiceCommand(CLI::App& group, Command& chosen,
                            const std::shared_ptr<ServiceFlags>& flags, const std::string& name,
                            const std::string& description,
                            absl::StatusOr<ExitCode> (*action)(Context&, const ServiceFlags&)) {
  CLI::App& command = Subcommand(group, name, description);
  command.add_option("name", flags->name, "Worker")->required()->type_name("NAME");
  command.add_flag("--dry-run", flags->dry_run, "Only say what would come of it");
  OnChosen(command, chosen, flags, action);
  return command;
}

}  // namespace

void AddWorkerService(CLI::App& group, Command& chosen) {
  auto flags = std::make_shared<ServiceFlags>();
  CLI::App& cordon = AddServiceCommand(group, chosen, flags, "cordon",
                                       "Give a worker no more jobs, until uncordon", Cordon);
  AddServiceCommand(group, chosen, flags, "uncordon", "Give a worker jobs again", Uncordon);
  CLI::App& drain = AddServiceCommand(group, chosen, flags, "drain",
                                      "Cordon a worker, and wait until it trains nothing", Drain);
  for (CLI::App* command : {&cordon, &drain}) {
    command->add_option("--reason", flags->reason, "Kept with the worker")->type_name("TEXT");
  }
  drain.add_flag("--now", flags->now,
                 "Its jobs write a checkpoint and go back into the queue, instead of ending here");
}

}  // namespace tune::client
