// From a lease to a run folder that the trainer can start in.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tune/v1/workers.pb.h"
#include "worker/agent/blob_cache.h"

namespace tune::worker {

// A blob and where it stands in the run folder: "model/config.json",
// "datasets/NAME/train.jsonl", "resume/state/state.json".
struct RunInput {
  v1::FileEntry file;
  std::string target;
};

// The blobs that a lease's run reads; of model, datasets and checkpoint, in this order.
std::vector<v1::FileEntry> InputFiles(const v1::Lease& lease);

// Its result takes at least as much as the model that it begins with. Checkpoints on the way are
// more, but a run goes on without them where there is no room.
RunRoom RoomOf(const v1::Lease& lease);

// INVALID_ARGUMENT for a path that would leave the run folder.
absl::StatusOr<std::vector<RunInput>> InputsOf(const v1::Lease& lease);

// The paths, in the run folder, of all that MakeRunFolder puts there.
std::vector<std::string> FilesMade(const v1::Lease& lease);

// "JOB-aN-eE": no two attempts share it.
std::string RunFolderName(const v1::Lease& lease);

// Puts an input's content at the path `target`.
using PlaceInput =
    std::function<absl::Status(const v1::FileEntry& file, const std::string& target)>;

// Makes `run_dir` afresh: every input is placed, then come empty events and run.json, the lease's
// spec in it as it is. INVALID_ARGUMENT for a spec in which the worker does not find what it needs
// itself.
absl::Status MakeRunFolder(const std::string& run_dir, const v1::Lease& lease,
                           const std::vector<RunInput>& inputs, const PlaceInput& place);

}  // namespace tune::worker
