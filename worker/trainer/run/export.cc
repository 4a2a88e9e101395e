#include "worker/trainer/run/export.h"

#include <algorithm>
#include <filesystem>

#include "absl/strings/str_format.h"
#include "base/files.h"
#include "base/json_number.h"
#include "base/status.h"
#include "recipe/chat/chat_files.h"
#include "recipe/model/model_family.h"
#include "recipe/model/model_files.h"
#include "run/chat_template.h"
#include "run/folder.h"
#include "worker/trainer/run/model_card.h"

namespace tune::trainer {
namespace {

using Shard = std::vector<NamedTensor>;

absl::Status WriteJson(const std::string& dir, const char* name, const Json& json) {
  return WriteFileDurably(JoinPath(dir, name), DumpJson(json, 2) + "\n");
}

const char* TorchDtype(DType dtype) {
  if (dtype == DType::kBF16) return "bfloat16";
  return dtype == DType::kF16 ? "float16" : "float32";
}

// The base model's config with the class that the weights are of, which some leave out, and the
// saved type, under the name it had there: transformers renamed torch_dtype to dtype, and reads
// both.
Json ExportedConfig(const ExportedModel& model) {
  Json config = model.config->source;
  config["architectures"] = Json::array({std::string(FamilyOf(*model.config).architecture)});
  config[config.contains("dtype") ? "dtype" : "torch_dtype"] = TorchDtype(model.dtype);
  return config;
}

Json TokenizerConfig(const ExportedModel& model) {
  return {{"tokenizer_class", "PreTrainedTokenizerFast"},
          {"model_max_length", model.config->max_position_embeddings},
          {"clean_up_tokenization_spaces", false},
          {"eos_token", model.end_token}};
}

// Whether `named`, an eos_token_id or an eos_token, is the model's end token or, as a list,
// holds it.
bool IsEndToken(const Json& named, const Json& end) {
  if (named.is_object()) return named.value("content", Json()) == end;
  if (!named.is_array()) return named == end;
  return std::find(named.begin(), named.end(), end) != named.end();
}

// Adds the end token where the file names others. Transformers stops generating at what
// generation_config.json names, not config.json.
absl::Status NameEndToken(const std::string& path, const char* key, const Json& end) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  auto json = ParseJson(text);
  const bool unreadable = !json.ok() || !json->is_object();  // transformers will say so
  if (unreadable || IsEndToken(json->value(key, Json()), end)) return absl::OkStatus();
  Json& named = (*json)[key];
  if (named.is_array()) {
    named.push_back(end);
  } else {
    named = end;
  }
  return WriteFileDurably(path, DumpJson(*json, 2) + "\n");
}

absl::Status CopyModelFiles(const std::string& dir, const ExportedModel& model) {
  ASSIGN_OR_RETURN(const auto files, CopiedModelFiles(model.model_path));
  for (const std::string& file : files) {
    const std::string target = JoinPath(dir, file);
    ASSIGN_OR_RETURN(const std::string content, ReadFile(JoinPath(model.model_path, file)));
    RETURN_IF_ERROR(CreateDirectories(std::filesystem::path(target).parent_path()));
    RETURN_IF_ERROR(WriteFileDurably(target, content));
  }
  return absl::OkStatus();
}

absl::Status WriteConfigs(const std::string& dir, const ExportedModel& model) {
  RETURN_IF_ERROR(WriteJson(dir, "config.json", ExportedConfig(model)));
  const std::string generation = JoinPath(dir, "generation_config.json");
  const std::string tokenizer = JoinPath(dir, "tokenizer_config.json");
  if (!Exists(generation)) {
    RETURN_IF_ERROR(WriteJson(dir, "generation_config.json", GenerationConfigOf(*model.config)));
  }
  if (!Exists(tokenizer)) {
    RETURN_IF_ERROR(WriteJson(dir, "tokenizer_config.json", TokenizerConfig(model)));
  }
  RETURN_IF_ERROR(NameEndToken(generation, "eos_token_id", model.config->eos_token_id));
  if (model.turn_end >= 0) {
    RETURN_IF_ERROR(NameEndToken(generation, "eos_token_id", model.turn_end));
  }
  return NameEndToken(tokenizer, "eos_token", model.end_token);
}

// A base model's own chat template stays: it is the user's file.
absl::Status WriteChatTemplate(const std::string& dir, const ExportedModel& model,
                               const RunSpec& spec) {
  if (HasChatTemplate(model.model_path)) return absl::OkStatus();
  ASSIGN_OR_RETURN(const auto prompt_template, PromptTemplate::Parse(spec.prompt_template));
  return WriteFileDurably(JoinPath(dir, kChatTemplateFile),
                          ChatTemplateOf(prompt_template, model.end_token));
}

int64_t SavedBytes(const NamedTensor& weight, DType dtype) {
  return weight.tensor.numel() * DTypeBytes(dtype);
}

// In order, a new shard whenever the next tensor would not fit.
std::vector<Shard> SplitShards(const ExportedModel& model) {
  std::vector<Shard> shards(1);
  int64_t bytes = 0;
  for (const NamedTensor& weight : model.weights) {
    const int64_t size = SavedBytes(weight, model.dtype);
    if (model.shard_bytes > 0 && bytes > 0 && size > model.shard_bytes - bytes) {
      shards.emplace_back();
      bytes = 0;
    }
    shards.back().push_back(weight);
    bytes += size;
  }
  return shards;
}

absl::StatusOr<Digests> WriteShards(const std::string& dir, const std::vector<Shard>& shards,
                                    DType dtype) {
  Digests digests;
  Json map = Json::object();
  int64_t total_size = 0, total_parameters = 0;
  for (size_t i = 0; i < shards.size(); ++i) {
    const std::string file =
        absl::StrFormat("model-%05d-of-%05d.safetensors", i + 1, shards.size());
    ASSIGN_OR_RETURN(digests[file], WriteTensors(JoinPath(dir, file), shards[i], dtype));
    for (const NamedTensor& weight : shards[i]) {
      map[weight.name] = file;
      total_size += SavedBytes(weight, dtype);
      total_parameters += weight.tensor.numel();
    }
  }
  const Json metadata = {{"total_parameters", total_parameters}, {"total_size", total_size}};
  RETURN_IF_ERROR(WriteJson(dir, "model.safetensors.index.json",
                            {{"metadata", metadata}, {"weight_map", map}}));
  return digests;
}

absl::StatusOr<Digests> WriteWeights(const std::string& dir, const ExportedModel& model) {
  const std::vector<Shard> shards = SplitShards(model);
  if (shards.size() > 1) return WriteShards(dir, shards, model.dtype);
  const std::string file = "model.safetensors";
  ASSIGN_OR_RETURN(std::string digest, WriteTensors(JoinPath(dir, file), shards[0], model.dtype));
  return Digests{{file, std::move(digest)}};
}

Json LogHistory(const std::vector<LogEntry>& log) {
  Json history = Json::array();
  for (const LogEntry& entry : log) {
    history.push_back({{"epoch", entry.epoch},
                       {"grad_norm", JsonNumber(entry.grad_norm)},
                       {"learning_rate", entry.learning_rate},
                       {"loss", JsonNumber(entry.loss)},
                       {"step", entry.step}});
    if (entry.skipped) history.back()["skipped"] = true;
  }
  return history;
}

}  // namespace

Json TrainerState(const Lineage& lineage) {
  const RunSpec& spec = lineage.run->spec;
  return {{"global_step", lineage.step()},
          {"max_steps", lineage.total_steps},
          {"epoch", lineage.epoch()},
          {"num_train_epochs", spec.epochs},
          {"train_batch_size", spec.batch_size},
          {"save_steps", spec.checkpoint_every},
          {"is_world_process_zero", true},
          {std::string(kTemplateKey), spec.prompt_template},
          {"log_history", LogHistory(lineage.log)}};
}

absl::StatusOr<Digests> ExportModel(const std::string& dir, const ExportedModel& model,
                                    const Lineage& lineage) {
  RETURN_IF_ERROR(CopyModelFiles(dir, model));
  RETURN_IF_ERROR(WriteConfigs(dir, model));
  RETURN_IF_ERROR(WriteChatTemplate(dir, model, lineage.run->spec));
  ASSIGN_OR_RETURN(Digests digests, WriteWeights(dir, model));
  RETURN_IF_ERROR(WriteJson(dir, kTrainerStateFile, TrainerState(lineage)));
  RETURN_IF_ERROR(WriteFileDurably(JoinPath(dir, "README.md"), ModelCard(lineage)));
  return digests;
}

}  // namespace tune::trainer
