// From a lease to a run folder that the trainer can start in.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tune/v1/workers.pb.h"

namespace tune::worker {

// A blob and where it stands in the run folder: "model/config.json",
// "datasets/NAME/train.jsonl", "resume/state/state.json".
struct RunInput {
  v1::FileEntry file;
  std::string target;
};

// INVALID_ARGUMENT for a path that would leave the run folder.
absl::StatusOr<std::vector<RunInput>> InputsOf(const v1::Lease& lease);

// "JOB-aN-eE": no two attempts share it.
std::string RunFolderName(const v1::Lease& lease);

// Gives the path of an input's content.
using BlobSource = std::function<absl::StatusOr<std::string>(const v1::FileEntry&)>;

// Makes `run_dir` afresh: every input a hard link to its blob (a symbolic one where the
// volume knows no hard links), then run.json, the lease's spec in it as it is. INVALID_ARGUMENT
// for a spec in which the worker does not find what it needs itself.
absl::Status MakeRunFolder(const std::string& run_dir, const v1::Lease& lease,
                           const std::vector<RunInput>& inputs, const BlobSource& blobs);

}  // namespace tune::worker
