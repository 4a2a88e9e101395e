#include "worker/trainer/run/checkpoint.h"

#include <algorithm>
#include <array>
#include <future>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/files.h"
#include "base/json_number.h"
#include "base/status.h"
#include "base/version.h"
#include "run/checkpoints.h"
#include "run/spec_identity.h"
#include "worker/trainer/core/failure.h"

namespace tune::trainer {
namespace {

const char kStateFile[] = "state/state.json";
// 3: parameters lie in the order of the network, in 2 by name.
constexpr int kFormat = 3;

struct ShardField {
  const char* name;
  at::Tensor StateShard::*tensor;
};

constexpr std::array<ShardField, 3> kShardFields = {{{"master", &StateShard::master},
                                                     {"exp_avg", &StateShard::exp_avg},
                                                     {"exp_avg_sq", &StateShard::exp_avg_sq}}};

std::string ShardFile(int64_t rank, int64_t ranks) {
  return absl::StrFormat("state/optimizer-%05d-of-%05d.safetensors", rank, ranks);
}

// What must be the same in a resumed run, beside its spec and its number of steps.
Json InputsOf(const Lineage& lineage) {
  Json datasets = Json::array();
  for (const auto& dataset : lineage.datasets) {
    datasets.push_back(
        {{"dataset", dataset.dataset}, {"sha256", dataset.sha256}, {"examples", dataset.examples}});
  }
  return {
      {"model_digest", lineage.run->model_digest}, {"model", lineage.model}, {"data", datasets}};
}

// Appends a flat tensor, from the device too, in pieces small enough to be copied.
absl::Status AppendValues(const at::Tensor& values, SafetensorsWriter* writer) {
  constexpr int64_t kPiece = int64_t{1} << 24;
  for (int64_t begin = 0; begin < values.size(0); begin += kPiece) {
    const int64_t size = std::min(kPiece, values.size(0) - begin);
    RETURN_IF_ERROR(writer->Append(TensorBytes(values.narrow(0, begin, size).to(at::kCPU))));
  }
  return absl::OkStatus();
}

// This rank's shard; its SHA-256.
absl::StatusOr<std::string> WriteShard(const std::string& dir, const ResumableState& state) {
  const FlatLayout& layout = state.parameters->layout();
  std::vector<TensorSpec> specs;
  for (const ShardField& field : kShardFields) {
    specs.push_back({field.name, DType::kF32, {layout.shard_size()}});
  }
  const std::string path = JoinPath(dir, ShardFile(state.optimizer->rank(), layout.ranks()));
  ASSIGN_OR_RETURN(auto writer, SafetensorsWriter::Create(path, specs, {{"format", "pt"}}));
  for (const ShardField& field : kShardFields) {
    RETURN_IF_ERROR(AppendValues(state.optimizer->on_device().*field.tensor, writer.get()));
    RETURN_IF_ERROR(AppendValues(state.optimizer->on_host().*field.tensor, writer.get()));
  }
  return writer->Finish();
}

absl::Status WriteState(const std::string& dir, const Lineage& lineage, int64_t ranks) {
  const SpecIdentity spec = IdentityOf(lineage.run->spec);
  Json identity = InputsOf(lineage);
  identity["spec"] = spec.fields;
  const Json json = {{"format", kFormat},        {"program_version", Version()},
                     {"step", lineage.step()},   {"total_steps", lineage.total_steps},
                     {"ranks", ranks},           {"identity", identity},
                     {"defaults", spec.defaults}};
  RETURN_IF_ERROR(WriteFileDurably(JoinPath(dir, kStateFile), DumpJson(json, 2) + "\n"));
  return SyncDirectory(JoinPath(dir, "state"));
}

absl::Status StartFolder(const std::string& dir, bool resumable) {
  RETURN_IF_ERROR(RemoveAll(dir));
  return CreateDirectories(resumable ? JoinPath(dir, "state") : dir);
}

// Adds the digests of the shards, each of which its rank knows.
void AddShardDigests(const std::string& own, Ranks& ranks, Digests* digests) {
  constexpr int64_t kDigits = 64;
  const at::Tensor all = at::empty({ranks.size() * kDigits}, at::kByte);
  auto* text = static_cast<char*>(all.mutable_data_ptr());
  std::copy_n(own.data(), kDigits, text + ranks.rank() * kDigits);
  ranks.AllGather(all);
  for (int64_t rank = 0; rank < ranks.size(); ++rank) {
    (*digests)[ShardFile(rank, ranks.size())] = std::string(text + rank * kDigits, kDigits);
  }
}

// What is large: every rank's shard of the state and, on the first, the model, side by side.
absl::StatusOr<Digests> WriteFiles(const std::string& dir, const ExportedModel& model,
                                   const Lineage& lineage, const ResumableState* state,
                                   Ranks& ranks) {
  std::future<absl::StatusOr<std::string>> shard;
  if (state != nullptr) shard = std::async([&] { return WriteShard(dir, *state); });
  absl::StatusOr<Digests> digests = Digests();
  if (ranks.first()) digests = ExportModel(dir, model, lineage);
  absl::StatusOr<std::string> digest = std::string();
  if (state != nullptr) digest = shard.get();
  RETURN_IF_ERROR(AllOk(ranks, digests.ok() ? digest.status() : digests.status()));
  if (state != nullptr) AddShardDigests(*digest, ranks, &*digests);
  return digests;
}

// Brings it all to the disk, and then to its name.
absl::StatusOr<Manifest> FinishFolder(const std::string& temporary, const std::string& path,
                                      const Lineage& lineage, const ResumableState* state,
                                      const Digests& digests) {
  if (state != nullptr) {
    RETURN_IF_ERROR(WriteState(temporary, lineage, state->parameters->layout().ranks()));
  }
  ASSIGN_OR_RETURN(auto manifest, WriteManifest(temporary, lineage.step(), lineage.epoch(),
                                                lineage.loss(), state == nullptr, digests));
  RETURN_IF_ERROR(SyncDirectory(temporary));
  RETURN_IF_ERROR(RemoveCheckpoint(path));
  RETURN_IF_ERROR(RenameDurably(temporary, path));
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

// Of another type than expected it is as absent, and then differs.
std::vector<std::string> TextsOf(const Json& json) {
  std::vector<std::string> texts;
  for (const Json& text : json) {
    if (text.is_string()) texts.push_back(text.get<std::string>());
  }
  return texts;
}

absl::Status CheckIdentity(const std::string& path, const Json& state, const Lineage& lineage) {
  Json ours = InputsOf(lineage);
  ours["total_steps"] = lineage.total_steps;
  Json theirs = state.value("identity", Json::object());
  theirs["total_steps"] = state.value("total_steps", Json());
  std::vector<std::string> differences =
      IdentityDifferences({.fields = theirs.value("spec", Json()),
                           .defaults = TextsOf(state.value("defaults", Json()))},
                          IdentityOf(lineage.run->spec));
  for (std::string& difference : differences) difference = "spec." + difference;
  Compare("", theirs, ours, &differences);
  if (differences.empty()) return absl::OkStatus();
  return Fail(kResumeMismatch,
              absl::StrCat(path, " is of another run: ", absl::StrJoin(differences, "; ")));
}

double NumberOf(const Json& json, const char* key) {
  return json.contains(key) ? NumberOfJson(json[key]).value_or(0) : 0;
}

absl::StatusOr<std::vector<LogEntry>> ReadLog(const std::string& path) {
  ASSIGN_OR_RETURN(const Json json, ReadJsonFile(JoinPath(path, "trainer_state.json")));
  std::vector<LogEntry> log;
  for (const Json& entry : json.value("log_history", Json::array())) {
    log.push_back({.step = static_cast<int64_t>(NumberOf(entry, "step")),
                   .epoch = NumberOf(entry, "epoch"),
                   .loss = NumberOf(entry, "loss"),
                   .learning_rate = NumberOf(entry, "learning_rate"),
                   .grad_norm = NumberOf(entry, "grad_norm"),
                   .skipped = entry.value("skipped", false)});
  }
  return log;
}

// A file that a checkpoint lacks makes it a bad one as its content does.
absl::Status BadCheckpoint(const absl::Status& status) {
  if (absl::IsNotFound(status)) return Fail(kBadCheckpoint, status.message());
  return WithReason(status, kBadCheckpoint);
}

absl::StatusOr<at::Tensor> StateTensor(const SafetensorsFile& file, const std::string& path,
                                       const std::string& name, int64_t size) {
  const auto found = file.tensors().find(name);
  if (found == file.tensors().end()) {
    return Fail(kBadCheckpoint, absl::StrCat(path, ": no tensor ", name));
  }
  if (found->second.dtype != DType::kF32 || found->second.shape != std::vector<int64_t>{size}) {
    return Fail(
        kBadCheckpoint,
        absl::StrCat(path, ": ", name, " is ", DTypeName(found->second.dtype), " [",
                     absl::StrJoin(found->second.shape, ", "), "], expected F32 [", size, "]"));
  }
  return FileTensor(file, found->second);
}

// What the shard of rank `rank` in `stored` has for ours.
absl::Status RestoreFrom(const std::string& path, const FlatLayout& stored, int64_t rank,
                         const FlatLayout& ours, AdamW* optimizer) {
  const std::string shard_path = JoinPath(path, ShardFile(rank, stored.ranks()));
  auto file = SafetensorsFile::Open(shard_path);
  if (!file.ok()) return BadCheckpoint(file.status());
  StateShard shard;
  for (const ShardField& field : kShardFields) {
    ASSIGN_OR_RETURN(shard.*field.tensor,
                     StateTensor(**file, shard_path, field.name, stored.shard_size()));
  }
  for (int64_t bucket = 0; bucket < stored.buckets(); ++bucket) {
    const Range part = stored.Part(bucket, rank);
    for (const ShardPiece& piece : ours.Pieces(part, optimizer->rank())) {
      optimizer->Restore(piece, shard,
                         stored.InShard(bucket).begin + piece.flat.begin - part.begin);
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Manifest> WriteCheckpoint(const std::string& path, const ExportedModel& model,
                                         const Lineage& lineage, const ResumableState* state,
                                         Ranks& ranks, const std::function<void()>& on_written) {
  const std::string temporary = absl::StrCat(path, kTemporarySuffix);
  absl::StatusOr<Manifest> manifest = Manifest();
  const auto write = [&]() -> absl::Status {
    RETURN_IF_ERROR(
        AllOk(ranks, ranks.first() ? StartFolder(temporary, state != nullptr) : absl::OkStatus()));
    ASSIGN_OR_RETURN(const Digests digests, WriteFiles(temporary, model, lineage, state, ranks));
    if (on_written) on_written();
    if (ranks.first()) manifest = FinishFolder(temporary, path, lineage, state, digests);
    return AllOk(ranks, manifest.status());
  };
  const absl::Status status = write();
  if (status.ok()) return manifest;
  if (ranks.first()) RemoveAll(temporary).IgnoreError();
  return status;
}

std::string ResumedPrecision(const std::string& path) {
  const auto state = ReadJsonFile(JoinPath(path, kStateFile));
  const Json::json_pointer precision("/identity/spec/precision");
  if (!state.ok() || !state->contains(precision)) return "";
  const Json& value = state->at(precision);
  return value == "fp32" || value == "bf16" ? value.get<std::string>() : "";
}

int64_t CheckpointBytes(const Parameters& parameters, DType dtype, bool resumable) {
  const int64_t state = resumable ? 12 * parameters.trainable_count() : 0;
  return DTypeBytes(dtype) * parameters.count() + state + kSmallCheckpointFilesBytes;
}

absl::StatusOr<std::vector<LogEntry>> ReadResumeState(const std::string& path,
                                                      const Lineage& lineage) {
  RETURN_IF_ERROR(BadCheckpoint(Annotate(VerifyManifest(path), path)));
  auto state = ReadJsonFile(JoinPath(path, kStateFile));
  if (!state.ok()) return BadCheckpoint(state.status());
  RETURN_IF_ERROR(CheckIdentity(path, *state, lineage));
  auto log = ReadLog(path);
  if (!log.ok()) return BadCheckpoint(log.status());
  if (log->empty() || log->back().step != static_cast<int64_t>(NumberOf(*state, "step"))) {
    return Fail(kBadCheckpoint,
                absl::StrCat(path, ": trainer_state.json and state.json differ in their step"));
  }
  return log;
}

absl::Status RestoreOptimizer(const std::string& path, const Parameters& parameters,
                              AdamW* optimizer) {
  ASSIGN_OR_RETURN(const Json state, ReadJsonFile(JoinPath(path, kStateFile)));
  const auto ranks = static_cast<int64_t>(NumberOf(state, "ranks"));
  if (NumberOf(state, "format") != kFormat || ranks < 1) {
    return Fail(kBadCheckpoint, absl::StrCat(path, "/", kStateFile, ": not of format ", kFormat));
  }
  const FlatLayout stored = parameters.layout().For(ranks);
  for (int64_t rank = 0; rank < ranks; ++rank) {
    RETURN_IF_ERROR(RestoreFrom(path, stored, rank, parameters.layout(), optimizer));
  }
  optimizer->PublishWeights();
  return absl::OkStatus();
}

}  // namespace tune::trainer
