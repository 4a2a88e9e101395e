#include "worker/agent/run_inputs.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/files.h"
#include "base/status.h"
#include "proto/wire/convert.h"
#include "run/checkpoints.h"
#include "run/files.h"
#include "run/folder.h"
#include "worker/agent/lease_spec.h"

namespace tune::worker {
namespace {

// The state that a run goes on from is three fp32 values a parameter, at most six times the bytes
// of its weights: those of a model in bf16.
constexpr int64_t kStateOfWeights = 6;
// One is kept until the next is registered.
constexpr int64_t kCheckpointsAtOnce = 2;

// The file keeps the name it was pushed under, by which its rows are named in errors.
std::string DatasetTarget(const v1::Dataset& dataset) {
  return absl::StrCat(kDatasetsFolder, "/", absl::StripPrefix(dataset.name(), "datasets/"), "/",
                      dataset.file().path());
}

RunFolder Describe(const std::string& run_dir, const v1::Lease& lease, const LeaseSpec& spec) {
  RunFolder run;
  run.checkpoints_kept_by_worker = true;
  run.job = lease.key().job();
  run.attempt = lease.attempt();
  run.model_path = JoinPath(run_dir, kModelFolder);
  run.model_digest = FilesDigest(FromProto(lease.model_files()));
  for (const v1::Dataset& dataset : lease.datasets()) {
    run.datasets.push_back({dataset.name(), JoinPath(run_dir, DatasetTarget(dataset)),
                            dataset.file().sha256(), dataset.max_bad_rows()});
  }
  run.parent = lease.has_resume_from() ? lease.resume_from().name() : spec.model;
  if (lease.has_resume_from()) run.resume_path = JoinPath(run_dir, kResumeFolder);
  return run;
}

}  // namespace

RunRoom RoomOf(const v1::Lease& lease) {
  int64_t weights = kSmallCheckpointFilesBytes;
  for (const v1::FileEntry& file : lease.model_files()) weights += file.size_bytes();
  const int64_t checkpoint = weights * (1 + kStateOfWeights);
  return {.least = weights, .all = weights + kCheckpointsAtOnce * checkpoint};
}

absl::StatusOr<std::vector<RunInput>> InputsOf(const v1::Lease& lease) {
  std::vector<RunInput> inputs;
  for (const auto& file : lease.model_files())
    inputs.push_back({file, JoinPath(kModelFolder, file.path())});
  for (const auto& dataset : lease.datasets()) {
    inputs.push_back({dataset.file(), DatasetTarget(dataset)});
  }
  for (const auto& file : lease.resume_from().files()) {
    inputs.push_back({file, JoinPath(kResumeFolder, file.path())});
  }
  for (const RunInput& input : inputs) {
    if (IsSafePath(input.target)) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("lease of ", lease.key().job(), ": \"", input.target, "\" is no plain path"));
  }
  return inputs;
}

std::vector<v1::FileEntry> InputFiles(const v1::Lease& lease) {
  std::vector<v1::FileEntry> files(lease.model_files().begin(), lease.model_files().end());
  for (const auto& dataset : lease.datasets()) files.push_back(dataset.file());
  files.insert(files.end(), lease.resume_from().files().begin(), lease.resume_from().files().end());
  return files;
}

std::vector<std::string> FilesMade(const v1::Lease& lease) {
  std::vector<std::string> paths = {std::string(kRunFile)};
  if (const auto inputs = InputsOf(lease); inputs.ok()) {
    for (const RunInput& input : *inputs) paths.push_back(input.target);
  }
  return paths;
}

std::string RunFolderName(const v1::Lease& lease) {
  return absl::StrCat(absl::StripPrefix(lease.key().job(), "jobs/"), "-a", lease.attempt(), "-e",
                      lease.key().epoch());
}

absl::Status MakeRunFolder(const std::string& run_dir, const v1::Lease& lease,
                           const std::vector<RunInput>& inputs, const PlaceInput& place) {
  RETURN_IF_ERROR(RemoveAll(run_dir));
  RETURN_IF_ERROR(CreateDirectories(run_dir));
  ASSIGN_OR_RETURN(const LeaseSpec spec, ReadLeaseSpec(lease));
  for (const RunInput& input : inputs) {
    RETURN_IF_ERROR(place(input.file, JoinPath(run_dir, input.target)));
  }
  // The trainer appends to it. From the beginning it is seen when somebody removes it.
  RETURN_IF_ERROR(WriteFileDurably(JoinPath(run_dir, kEventsFile), ""));
  return WriteRunFolder(run_dir, Describe(run_dir, lease, spec), spec.whole);
}

}  // namespace tune::worker
