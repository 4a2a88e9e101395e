#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "client/commands/commands.h"
#include "client/error_report.h"
#include "client/format.h"
#include "client/paging.h"
#include "client/printer.h"
#include "client/pull.h"
#include "client/resource_names.h"
#include "tune/v1/registry.grpc.pb.h"

namespace tune::client {
namespace {

struct CheckpointFlags {
  std::string name;
  std::vector<std::string> names;
  ListFlags list;
  PullOptions pull;
};

const char* KindOf(const v1::Checkpoint& checkpoint) {
  return checkpoint.final() ? "final" : "resumable";
}

absl::StatusOr<ExitCode> List(Context& context, const CheckpointFlags& flags) {
  v1::ListCheckpointsRequest request;
  request.set_parent(flags.name.empty() ? "jobs/-" : JobName(flags.name));
  ASSIGN_OR_RETURN(const auto checkpoints,
                   FetchAll(context, &v1::CheckpointService::Stub::ListCheckpoints, request,
                            &v1::ListCheckpointsResponse::checkpoints, LimitOf(flags.list)));
  const absl::Time now = context.clock().Now();
  using enum Table::Align;
  PrintList<v1::Checkpoint>(
      context, checkpoints.items,
      {{"NAME"},
       {"KIND"},
       {"STEP", kRight},
       {"EPOCH", kRight},
       {"LOSS", kRight},
       {"SIZE", kRight},
       {"AGE", kRight}},
      "checkpoints", [&](const v1::Checkpoint& checkpoint) {
        return std::vector<std::string>{
            ShortCheckpointName(checkpoint.name()), KindOf(checkpoint),
            WithCommas(checkpoint.step()),          HumanNumber(checkpoint.epoch()),
            HumanNumber(checkpoint.loss()),         HumanBytes(checkpoint.size_bytes()),
            Age(checkpoint.create_time(), now)};
      });
  NoteIfMore(context, checkpoints.more, checkpoints.items.size());
  return ExitCode::kOk;
}

absl::StatusOr<v1::Checkpoint> Get(Context& context, const std::string& text) {
  v1::GetCheckpointRequest request;
  ASSIGN_OR_RETURN(*request.mutable_name(), CheckpointName(text));
  auto checkpoint = context.Call(&v1::CheckpointService::Stub::GetCheckpoint, request);
  if (checkpoint.ok()) return checkpoint;
  return HintOn(absl::StatusCode::kNotFound, checkpoint.status(),
                "tunectl checkpoints list shows what there is");
}

std::string FileTable(const v1::Checkpoint& checkpoint) {
  Table table({{"FILE"}, {"SIZE", Table::Align::kRight}, {"SHA-256"}});
  for (const v1::FileEntry& file : checkpoint.files()) {
    table.AddRow({file.path(), HumanBytes(file.size_bytes()), file.sha256().substr(0, 16)});
  }
  return absl::StrCat("Files:\n", table.ToText(true, 2));
}

absl::StatusOr<ExitCode> Describe(Context& context, const CheckpointFlags& flags) {
  ASSIGN_OR_RETURN(const v1::Checkpoint checkpoint, Get(context, flags.name));
  if (!context.table()) {
    PrintJson(context, MessageToJson(checkpoint));
    return ExitCode::kOk;
  }
  context.out() << Details()
                       .Add("Name", ShortCheckpointName(checkpoint.name()))
                       .Add("Kind", KindOf(checkpoint))
                       .Add("Step", WithCommas(checkpoint.step()))
                       .Add("Epoch", HumanNumber(checkpoint.epoch()))
                       .Add("Loss", HumanNumber(checkpoint.loss()))
                       .Add("Parent", checkpoint.parent())
                       .Add("Size", HumanBytes(checkpoint.size_bytes()))
                       .Add("Digest", checkpoint.digest())
                       .Add("Created", Rfc3339(checkpoint.create_time()))
                       .ToText()
                << FileTable(checkpoint);
  return ExitCode::kOk;
}

// One that cannot be deleted keeps none of the others from it.
absl::StatusOr<ExitCode> Delete(Context& context, const CheckpointFlags& flags) {
  absl::Status failed;
  for (const std::string& text : flags.names) {
    v1::DeleteCheckpointRequest request;
    ASSIGN_OR_RETURN(*request.mutable_name(), CheckpointName(text));
    const absl::Status deleted =
        context.Delete(&v1::CheckpointService::Stub::DeleteCheckpoint, request);
    failed = Joined(failed, deleted);
    if (!deleted.ok()) continue;
    if (!context.table()) PrintJson(context, {{"name", request.name()}});
    if (context.table()) {
      context.out() << "checkpoint/" << ShortCheckpointName(request.name()) << " deleted\n";
    }
  }
  RETURN_IF_ERROR(failed);
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> PullCheckpoint(Context& context, const CheckpointFlags& flags) {
  ASSIGN_OR_RETURN(const v1::Checkpoint checkpoint, Get(context, flags.name));
  ASSIGN_OR_RETURN(const PullPlan plan, PlanPull(checkpoint, flags.pull));
  RETURN_IF_ERROR(Pull(context, plan, flags.pull));
  if (!context.table()) {
    PrintJson(context, MessageToJson(checkpoint));
    return ExitCode::kOk;
  }
  int64_t bytes = 0;
  for (const auto* files : {&plan.missing, &plan.present}) {
    for (const v1::FileEntry& file : *files) bytes += file.size_bytes();
  }
  context.out() << "checkpoint/" << ShortCheckpointName(checkpoint.name()) << " pulled to "
                << flags.pull.folder << " (" << plan.missing.size() + plan.present.size()
                << " files, " << HumanBytes(bytes) << ", all hashes match";
  if (!plan.present.empty()) context.out() << ", " << plan.present.size() << " were there already";
  context.out() << ")\n";
  context.Note(
      absl::StrCat("  tune-trainer generate --model ", flags.pull.folder, " --prompt TEXT"));
  return ExitCode::kOk;
}

void AddName(CLI::App& command, CheckpointFlags& flags) {
  command.add_option("checkpoint", flags.name, "JOB, JOB@latest, JOB@final or JOB@STEP")
      ->required()
      ->type_name("JOB[@CHECKPOINT]");
}

void AddPull(CLI::App& group, Command& chosen, std::shared_ptr<CheckpointFlags> flags) {
  CLI::App& pull =
      Subcommand(group, "pull", "Fetch a checkpoint's files; run again to continue or to verify");
  AddName(pull, *flags);
  pull.add_option("-d,--dir", flags->pull.folder, "Folder to put them in")
      ->required()
      ->type_name("DIR");
  pull.add_flag("--with-state", flags->pull.with_state, "Also state/, which a run resumes from");
  pull.add_flag("--force", flags->pull.force, "Replace files with other content");
  OnChosen(pull, chosen, flags, PullCheckpoint);
}

}  // namespace

void AddCheckpoints(CLI::App& app, Command& chosen) {
  auto flags = std::make_shared<CheckpointFlags>();
  CLI::App& group = Subcommand(app, "checkpoints", "List, describe, pull, delete checkpoints");
  group.require_subcommand(1);
  CLI::App& list = Subcommand(group, "list", "List checkpoints, of one job or of all");
  list.add_option("job", flags->name, "Job")->type_name("JOB");
  AddListFlags(list, flags->list);
  OnChosen(list, chosen, flags, List);
  CLI::App& describe = Subcommand(group, "describe", "Show a checkpoint and its files");
  AddName(describe, *flags);
  OnChosen(describe, chosen, flags, Describe);
  AddPull(group, chosen, flags);
  CLI::App& remove =
      Subcommand(group, "delete", "Delete resumable checkpoints of jobs that are over");
  remove.add_option("checkpoints", flags->names, "JOB@STEP of each")
      ->required()
      ->type_name("JOB@STEP...");
  OnChosen(remove, chosen, flags, Delete);
}

}  // namespace tune::client
