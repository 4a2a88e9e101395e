#include "worker/trainer/checkpoint.h"

#include <array>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/files.h"
#include "base/status.h"
#include "base/version.h"
#include "worker/trainer/failure.h"

namespace tune::trainer {
namespace {

const char kStateFile[] = "state/state.json";
const char kOptimizerFile[] = "state/optimizer-00000-of-00001.safetensors";

// Fields of the spec that may change between attempts of one run: none of them alters a
// loss or a weight.
constexpr std::array kFreeFields = {
    "offload",        "recompute", "checkpoint_every", "keep_checkpoints",
    "save_precision", "eval",      "sample_prompts",   "sample_max_new_tokens",
    "resources",      "priority",  "retries",          "time_limit_seconds"};

struct ShardField {
  const char* prefix;
  at::Tensor HostShard::*tensor;
};

constexpr std::array<ShardField, 3> kShardFields = {{{"master.", &HostShard::master},
                                                     {"exp_avg.", &HostShard::exp_avg},
                                                     {"exp_avg_sq.", &HostShard::exp_avg_sq}}};

Json IdentityOf(const Lineage& lineage) {
  Json spec = RunSpecToJson(lineage.run->spec);
  for (const char* field : kFreeFields) spec.erase(field);
  Json datasets = Json::array();
  for (const auto& dataset : lineage.datasets) {
    datasets.push_back(
        {{"dataset", dataset.dataset}, {"sha256", dataset.sha256}, {"examples", dataset.examples}});
  }
  return {{"model_digest", lineage.run->model_digest}, {"data", datasets}, {"spec", spec}};
}

absl::Status WriteState(const std::string& dir, const Lineage& lineage,
                        const ResumableState& state) {
  RETURN_IF_ERROR(CreateDirectories(JoinPath(dir, "state")));
  std::vector<NamedTensor> tensors;
  for (const ShardField& field : kShardFields) {
    for (size_t i = 0; i < state.parameters->size(); ++i) {
      tensors.push_back(
          {field.prefix + (*state.parameters)[i].name, state.optimizer->shard(i).*field.tensor});
    }
  }
  RETURN_IF_ERROR(WriteTensors(JoinPath(dir, kOptimizerFile), tensors, DType::kF32));
  Json json = {{"format", 1},
               {"program_version", Version()},
               {"step", lineage.step()},
               {"total_steps", lineage.total_steps},
               {"identity", IdentityOf(lineage)}};
  RETURN_IF_ERROR(WriteFileDurably(JoinPath(dir, kStateFile), DumpJson(json, 2) + "\n"));
  return SyncDirectory(JoinPath(dir, "state"));
}

absl::StatusOr<Manifest> FillFolder(const std::string& dir, const ExportedModel& model,
                                    const Lineage& lineage, const ResumableState* state) {
  RETURN_IF_ERROR(CreateDirectories(dir));
  RETURN_IF_ERROR(ExportModel(dir, model, lineage));
  if (state != nullptr) RETURN_IF_ERROR(WriteState(dir, lineage, *state));
  ASSIGN_OR_RETURN(auto manifest, WriteManifest(dir, lineage.step(), lineage.epoch(),
                                                lineage.loss(), state == nullptr));
  RETURN_IF_ERROR(SyncDirectory(dir));
  return manifest;
}

// "FIELD: the checkpoint has A, this run B" for every difference of two objects.
void Compare(const std::string& prefix, const Json& theirs, const Json& ours,
             std::vector<std::string>* differences) {
  for (const auto& [key, value] : ours.items()) {
    const Json other = theirs.is_object() && theirs.contains(key) ? theirs[key] : Json();
    if (value.is_object()) {
      Compare(absl::StrCat(prefix, key, "."), other, value, differences);
    } else if (other != value) {
      differences->push_back(absl::StrCat(prefix, key, ": the checkpoint has ", DumpJson(other),
                                          ", this run ", DumpJson(value)));
    }
  }
}

absl::Status CheckIdentity(const std::string& path, const Json& state, const Lineage& lineage) {
  std::vector<std::string> differences;
  Json ours = IdentityOf(lineage);
  ours["total_steps"] = lineage.total_steps;
  Json theirs = state.value("identity", Json::object());
  theirs["total_steps"] = state.value("total_steps", Json());
  Compare("", theirs, ours, &differences);
  if (differences.empty()) return absl::OkStatus();
  return Fail(kResumeMismatch,
              absl::StrCat(path, " is of another run: ", absl::StrJoin(differences, "; ")));
}

double NumberOf(const Json& json, const char* key) {
  return json.contains(key) && json[key].is_number() ? json[key].get<double>() : 0;
}

absl::StatusOr<std::vector<LogEntry>> ReadLog(const std::string& path) {
  ASSIGN_OR_RETURN(const Json json, ReadJsonFile(JoinPath(path, "trainer_state.json")));
  std::vector<LogEntry> log;
  for (const Json& entry : json.value("log_history", Json::array())) {
    log.push_back({.step = static_cast<int64_t>(NumberOf(entry, "step")),
                   .epoch = NumberOf(entry, "epoch"),
                   .loss = NumberOf(entry, "loss"),
                   .learning_rate = NumberOf(entry, "learning_rate"),
                   .grad_norm = NumberOf(entry, "grad_norm")});
  }
  return log;
}

absl::StatusOr<at::Tensor> StateTensor(const SafetensorsFile& file, const std::string& name,
                                       at::IntArrayRef shape) {
  const auto found = file.tensors().find(name);
  if (found == file.tensors().end()) {
    return Fail(kBadCheckpoint, absl::StrCat(kOptimizerFile, ": no tensor ", name));
  }
  if (found->second.dtype != DType::kF32 || at::IntArrayRef(found->second.shape) != shape) {
    return Fail(kBadCheckpoint,
                absl::StrCat(kOptimizerFile, ": ", name, " is ", DTypeName(found->second.dtype),
                             " [", absl::StrJoin(found->second.shape, ", "), "], expected F32 [",
                             absl::StrJoin(shape, ", "), "]"));
  }
  return FileTensor(file, found->second);
}

}  // namespace

absl::StatusOr<Manifest> WriteCheckpoint(const std::string& path, const ExportedModel& model,
                                         const Lineage& lineage, const ResumableState* state) {
  const std::string temporary = path + ".tmp";
  RETURN_IF_ERROR(RemoveAll(temporary));
  auto manifest = FillFolder(temporary, model, lineage, state);
  absl::Status status = manifest.status();
  if (status.ok()) status = RemoveAll(path);
  if (status.ok()) status = RenameDurably(temporary, path);
  if (status.ok()) return manifest;
  RemoveAll(temporary).IgnoreError();
  return status;
}

std::string CheckpointName(int64_t step) { return absl::StrFormat("step-%08d", step); }

int64_t CheckpointBytes(int64_t parameters, DType dtype, bool resumable) {
  constexpr int64_t kSmallFiles = 16 << 20;
  return parameters * (DTypeBytes(dtype) + (resumable ? 12 : 0)) + kSmallFiles;
}

absl::StatusOr<std::vector<LogEntry>> ReadResumeState(const std::string& path,
                                                      const Lineage& lineage) {
  RETURN_IF_ERROR(WithReason(Annotate(VerifyManifest(path), path), kBadCheckpoint));
  auto state = ReadJsonFile(JoinPath(path, kStateFile));
  if (!state.ok()) return WithReason(state.status(), kBadCheckpoint);
  RETURN_IF_ERROR(CheckIdentity(path, *state, lineage));
  auto log = ReadLog(path);
  if (!log.ok()) return WithReason(log.status(), kBadCheckpoint);
  if (log->empty() || log->back().step != static_cast<int64_t>(NumberOf(*state, "step"))) {
    return Fail(kBadCheckpoint,
                absl::StrCat(path, ": trainer_state.json and state.json differ in their step"));
  }
  return log;
}

absl::Status RestoreOptimizer(const std::string& path, const Parameters& parameters,
                              HostAdamW* optimizer) {
  auto file = SafetensorsFile::Open(JoinPath(path, kOptimizerFile));
  if (!file.ok()) return WithReason(file.status(), kBadCheckpoint);
  for (size_t i = 0; i < parameters.size(); ++i) {
    const at::IntArrayRef shape = parameters[i].weight.sizes();
    HostShard stored;
    for (const ShardField& field : kShardFields) {
      ASSIGN_OR_RETURN(stored.*field.tensor,
                       StateTensor(**file, field.prefix + parameters[i].name, shape));
    }
    optimizer->Restore(i, stored);
  }
  return absl::OkStatus();
}

}  // namespace tune::trainer
