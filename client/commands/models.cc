#include <filesystem>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/files.h"
#include "base/ids.h"
#include "base/json.h"
#include "base/status.h"
#include "client/commands/commands.h"
#include "client/error_report.h"
#include "client/format.h"
#include "client/paging.h"
#include "client/printer.h"
#include "client/resource_names.h"
#include "client/temporary_folder.h"
#include "client/upload.h"
#include "recipe/model/model_config.h"
#include "recipe/model/model_family.h"
#include "recipe/model/model_files.h"
#include "recipe/model/model_folder.h"
#include "recipe/model/model_init.h"
#include "tune/v1/registry.grpc.pb.h"

namespace tune::client {
namespace {

struct ModelFlags {
  std::string name;
  std::string folder;
  ListFlags list;
};

struct InitFlags {
  std::string name;
  std::string config;
  std::string tokenizer;
  std::string folder;
  int64_t seed = 0;
};

void PrintModel(Context& context, const v1::Model& model) {
  if (!context.table()) return PrintJson(context, MessageToJson(model));
  const std::string name = ShortName(model.name());
  context.out() << "model/" << name << " created";
  if (model.parameters() > 0) {
    context.out() << ", " << HumanCount(static_cast<double>(model.parameters())) << " parameters, "
                  << model.precision();
  }
  context.out() << "\n";
  context.Note(absl::StrCat("  tunectl submit --model ", name, " --dataset DATASET"));
}

void PrintWritten(Context& context, const std::string& folder, int64_t parameters) {
  if (!context.table()) return PrintJson(context, {{"folder", folder}, {"parameters", parameters}});
  context.out() << "model written to " << folder << ", "
                << HumanCount(static_cast<double>(parameters)) << " parameters\n";
}

// What the checks noticed, and what of the folder stays behind.
void TellOfFolder(Context& context, const std::string& folder, const ModelFolder& opened) {
  for (const std::string& notice : opened.notices) context.Note(absl::StrCat("note: ", notice));
  const std::vector<std::string> others = OtherFiles(folder);
  if (others.empty()) return;
  context.Note(absl::StrCat("note: not pushed, since no loader of the model reads it: ",
                            absl::StrJoin(others, ", ")));
}

absl::StatusOr<ExitCode> PushFolder(Context& context, const std::string& name,
                                    const std::string& folder) {
  ASSIGN_OR_RETURN(const ModelFolder opened, OpenModelFolder(folder));
  ASSIGN_OR_RETURN(const std::vector<std::string> files, ModelFiles(folder));
  TellOfFolder(context, folder, opened);
  const auto create = [&](const std::vector<v1::FileEntry>& entries) {
    v1::CreateModelRequest request;
    request.set_model_id(ShortName(ModelName(name)));
    request.mutable_model()->mutable_files()->Assign(entries.begin(), entries.end());
    request.set_request_id(NewUuid());
    return context.Call(&v1::ModelService::Stub::CreateModel, request, Context::kCheckTimeout);
  };
  const auto model = PushFiles<v1::Model>(context, folder, files, create);
  RETURN_IF_ERROR(HintOn(absl::StatusCode::kAlreadyExists, model.status(),
                         absl::StrCat("push under another name, or tunectl models delete ", name)));
  PrintModel(context, *model);
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> Push(Context& context, const ModelFlags& flags) {
  return PushFolder(context, flags.name, flags.folder);
}

absl::StatusOr<ExitCode> Init(Context& context, const InitFlags& flags) {
  ASSIGN_OR_RETURN(const Json json, ReadJsonFile(flags.config));
  const absl::StatusOr<ModelConfig> config = ModelConfigFromJson(json);
  RETURN_IF_ERROR(Annotate(config.status(), flags.config));
  if (!flags.folder.empty()) {
    RETURN_IF_ERROR(InitModelFolder(flags.folder, *config, flags.tokenizer, flags.seed));
    PrintWritten(context, flags.folder, ParameterCount(*config));
    context.Note(absl::StrCat("  tunectl models push ", flags.name, " ", flags.folder));
    return ExitCode::kOk;
  }
  ASSIGN_OR_RETURN(const TemporaryFolder scratch, TemporaryFolder::Make());
  RETURN_IF_ERROR(InitModelFolder(scratch / "model", *config, flags.tokenizer, flags.seed));
  return PushFolder(context, flags.name, scratch / "model");
}

absl::StatusOr<ExitCode> List(Context& context, const ModelFlags& flags) {
  ASSIGN_OR_RETURN(const auto models,
                   FetchAll(context, &v1::ModelService::Stub::ListModels, v1::ListModelsRequest(),
                            &v1::ListModelsResponse::models, LimitOf(flags.list)));
  const absl::Time now = context.clock().Now();
  using enum Table::Align;
  PrintList<v1::Model>(context, models.items,
                       {{"NAME"},
                        {"ARCHITECTURE"},
                        {"PARAMETERS", kRight},
                        {"PRECISION"},
                        {"SIZE", kRight},
                        {"AGE", kRight}},
                       "models", [&](const v1::Model& model) {
                         return std::vector<std::string>{
                             ShortName(model.name()),
                             model.architecture(),
                             HumanCount(static_cast<double>(model.parameters())),
                             model.precision(),
                             HumanBytes(model.size_bytes()),
                             Age(model.create_time(), now)};
                       });
  NoteIfMore(context, models.more, models.items.size());
  return ExitCode::kOk;
}

std::string FileTable(const google::protobuf::RepeatedPtrField<v1::FileEntry>& files) {
  Table table({{"FILE"}, {"SIZE", Table::Align::kRight}, {"SHA-256"}});
  for (const v1::FileEntry& file : files) {
    table.AddRow({file.path(), HumanBytes(file.size_bytes()), file.sha256().substr(0, 16)});
  }
  return absl::StrCat("Files:\n", table.ToText(true, 2));
}

absl::StatusOr<ExitCode> Describe(Context& context, const ModelFlags& flags) {
  v1::GetModelRequest request;
  request.set_name(ModelName(flags.name));
  ASSIGN_OR_RETURN(const v1::Model model, context.Call(&v1::ModelService::Stub::GetModel, request));
  if (!context.table()) {
    PrintJson(context, MessageToJson(model));
    return ExitCode::kOk;
  }
  context.out() << Details()
                       .Add("Name", ShortName(model.name()))
                       .Add("Architecture", model.architecture())
                       .Add("Parameters", WithCommas(model.parameters()))
                       .Add("Precision", model.precision())
                       .Add("Size", HumanBytes(model.size_bytes()))
                       .Add("Created", Rfc3339(model.create_time()))
                       .ToText()
                << FileTable(model.files());
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> Delete(Context& context, const ModelFlags& flags) {
  v1::DeleteModelRequest request;
  request.set_name(ModelName(flags.name));
  RETURN_IF_ERROR(context.Delete(&v1::ModelService::Stub::DeleteModel, request));
  PrintDeleted(context, "model", request.name());
  return ExitCode::kOk;
}

void AddName(CLI::App& command, std::string& name) {
  command.add_option("name", name, "Model")->required()->type_name("NAME");
}

void AddInit(CLI::App& group, Command& chosen) {
  auto flags = std::make_shared<InitFlags>();
  CLI::App& init = Subcommand(group, "init", "Make a randomly initialised model and register it");
  AddName(init, flags->name);
  init.add_option("--config", flags->config, "config.json of a PhiForCausalLM")
      ->required()
      ->type_name("FILE");
  init.add_option("--tokenizer", flags->tokenizer, "tokenizer.json")->required()->type_name("FILE");
  init.add_option("--seed", flags->seed, "Same seed, same weights")->capture_default_str();
  init.add_option("--dir", flags->folder, "Only write the folder, register nothing")
      ->type_name("DIR");
  OnChosen(init, chosen, flags, Init);
}

}  // namespace

void AddModels(CLI::App& app, Command& chosen) {
  auto flags = std::make_shared<ModelFlags>();
  CLI::App& group = Subcommand(app, "models", "Init, push, list, describe, delete models");
  group.require_subcommand(1);
  AddInit(group, chosen);
  CLI::App& push = Subcommand(group, "push", "Check a Hugging Face folder and register it");
  AddName(push, flags->name);
  push.add_option("dir", flags->folder, "Folder")->required()->type_name("DIR");
  OnChosen(push, chosen, flags, Push);
  CLI::App& list = Subcommand(group, "list", "List models");
  AddListFlags(list, flags->list);
  OnChosen(list, chosen, flags, List);
  CLI::App& describe = Subcommand(group, "describe", "Show a model and its files");
  AddName(describe, flags->name);
  OnChosen(describe, chosen, flags, Describe);
  CLI::App& remove = Subcommand(group, "delete", "Delete a model that no job uses");
  AddName(remove, flags->name);
  OnChosen(remove, chosen, flags, Delete);
}

}  // namespace tune::client
