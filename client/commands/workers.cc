#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status.h"
#include "client/commands/commands.h"
#include "client/format.h"
#include "client/paging.h"
#include "client/printer.h"
#include "client/resource_names.h"
#include "client/text.h"
#include "run/labels.h"
#include "tune/v1/workers.grpc.pb.h"

namespace tune::client {
namespace {

constexpr size_t kReasonCells = 80;

struct WorkerFlags {
  std::string name;
  ListFlags list;
};

std::string JobsOf(const v1::Worker& worker) {
  return ShortNames({worker.jobs().begin(), worker.jobs().end()}, ",");
}

// "by alice: new disk", or "cordoned" where that is all that is known.
std::string CordonText(const v1::Worker::Cordon& cordon) {
  const std::string who = cordon.user().empty() ? "" : absl::StrCat("by ", cordon.user());
  const char* const between = who.empty() || cordon.reason().empty() ? "" : ": ";
  const std::string text = absl::StrCat(who, between, cordon.reason());
  return text.empty() ? "cordoned" : text;
}

std::string WhyNoJob(const v1::Worker& worker) {
  if (!worker.has_cordon()) return worker.reason();
  const char* const between = worker.reason().empty() ? "" : "; ";
  return absl::StrCat(CordonText(worker.cordon()), between, worker.reason());
}

std::vector<std::string> Row(const v1::Worker& worker, absl::Time now) {
  const auto& resources = worker.resources();
  return {ShortName(worker.name()),
          v1::Worker::State_Name(worker.state()),
          absl::StrCat(resources.cpus()),
          absl::StrCat(resources.gpus_size()),
          HumanBytes(resources.host_memory_bytes()),
          HumanBytes(resources.free_disk_bytes()),
          JobsOf(worker),
          Age(worker.heartbeat_time(), now),
          Age(worker.register_time(), now),
          Shorten(SanitizeLine(WhyNoJob(worker)), kReasonCells)};
}

std::vector<Table::Column> Columns(bool wide) {
  using enum Table::Align;
  std::vector<Table::Column> columns = {
      {"NAME"},         {"STATE"}, {"CPUS", kRight}, {"GPUS", kRight}, {"MEMORY", kRight},
      {"DISK", kRight}, {"JOBS"},  {"SEEN", kRight}, {"AGE", kRight},  {"REASON"}};
  if (wide) columns.insert(columns.end(), {{"VERSION"}, {"TRAINER"}, {"OWNER"}, {"LABELS"}});
  return columns;
}

std::string LabelsOf(const v1::Worker& worker) {
  return LabelsText({worker.labels().begin(), worker.labels().end()});
}

std::vector<std::string> WideRow(const v1::Worker& worker, std::vector<std::string> row) {
  row.insert(row.end(),
             {worker.version(), worker.trainer_version(), worker.owner(), LabelsOf(worker)});
  return row;
}

absl::StatusOr<ExitCode> List(Context& context, const WorkerFlags& flags) {
  ASSIGN_OR_RETURN(
      const auto workers,
      FetchAll(context, &v1::WorkerService::Stub::ListWorkers, v1::ListWorkersRequest(),
               &v1::ListWorkersResponse::workers, LimitOf(flags.list)));
  const absl::Time now = context.clock().Now();
  PrintList<v1::Worker>(context, workers.items, Columns(context.wide()), "workers",
                        [&](const v1::Worker& worker) {
                          std::vector<std::string> row = Row(worker, now);
                          return context.wide() ? WideRow(worker, std::move(row)) : row;
                        });
  NoteIfMore(context, workers.more, workers.items.size());
  return ExitCode::kOk;
}

std::string Gpus(const v1::Worker& worker) {
  return absl::StrJoin(worker.resources().gpus(), ", ",
                       [](std::string* out, const v1::WorkerResources::Gpu& gpu) {
                         absl::StrAppend(out, gpu.product(), " ", HumanBytes(gpu.memory_bytes()));
                       });
}

std::string CordonLine(const v1::Worker& worker, absl::Time now) {
  if (!worker.has_cordon()) return "";
  return absl::StrCat(SanitizeLine(CordonText(worker.cordon())), " (",
                      Age(worker.cordon().time(), now), " ago)");
}

absl::StatusOr<ExitCode> Describe(Context& context, const WorkerFlags& flags) {
  v1::GetWorkerRequest request;
  request.set_name(WorkerName(flags.name));
  ASSIGN_OR_RETURN(const v1::Worker worker,
                   context.Call(&v1::WorkerService::Stub::GetWorker, request));
  if (!context.table()) {
    PrintJson(context, MessageToJson(worker));
    return ExitCode::kOk;
  }
  const absl::Time now = context.clock().Now();
  context.out() << Details()
                       .Add("Name", ShortName(worker.name()))
                       .Add("State", v1::Worker::State_Name(worker.state()))
                       .Add("Cordoned", CordonLine(worker, now))
                       .Add("Reason", worker.reason())
                       .Add("Owner", worker.owner())
                       .Add("Labels", LabelsOf(worker))
                       .Add("Version", worker.version())
                       .Add("Trainer", worker.trainer_version())
                       .Add("CPUs", absl::StrCat(worker.resources().cpus()))
                       .Add("GPUs", Gpus(worker))
                       .Add("Unused GPUs", SanitizeLine(worker.resources().unused_gpus()))
                       .Add("Memory", HumanBytes(worker.resources().host_memory_bytes()))
                       .Add("Free disk", HumanBytes(worker.resources().free_disk_bytes()))
                       .Add("Jobs", JobsOf(worker))
                       .Add("Registered", Rfc3339(worker.register_time()))
                       .Add("Seen", Age(worker.heartbeat_time(), now) + " ago")
                       .ToText();
  return ExitCode::kOk;
}

}  // namespace

void AddWorkers(CLI::App& app, Command& chosen) {
  auto flags = std::make_shared<WorkerFlags>();
  CLI::App& group = Subcommand(app, "workers", "List, describe, cordon, drain workers");
  group.require_subcommand(1);
  CLI::App& list = Subcommand(group, "list", "List workers");
  AddListFlags(list, flags->list);
  OnChosen(list, chosen, flags, List);
  CLI::App& describe = Subcommand(group, "describe", "Show a worker");
  describe.add_option("name", flags->name, "Worker")->required()->type_name("NAME");
  OnChosen(describe, chosen, flags, Describe);
  AddWorkerService(group, chosen);
}

}  // namespace tune::client
