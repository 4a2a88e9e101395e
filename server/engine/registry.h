// Datasets, models and checkpoints by name.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "recipe/data/dataset.h"
#include "run/names.h"
#include "server/core/registry.h"
#include "server/engine/blobs.h"
#include "server/engine/commits.h"
#include "server/engine/page.h"
#include "server/store/store.h"

namespace tune::server {

// Thread-safe. Create* reads whole files and may take seconds: not on a thread that
// others wait for.
class Registry {
 public:
  Registry(Store& store, BlobStore& blobs, Commits& commits, Clock& clock);

  // The file's blob must be there, and whole. Every row is parsed: INVALID_ARGUMENT with fields
  // "FILE:LINE:COLUMN". A name taken by the same content returns what is there; by
  // another, ALREADY_EXISTS.
  absl::StatusOr<Dataset> CreateDataset(const std::string& id, const FileEntry& file,
                                        const DatasetOptions& options = {});
  absl::StatusOr<Dataset> GetDataset(const std::string& id);
  absl::StatusOr<Page<Dataset>> ListDatasets(const PageRequest& page);
  // FAILED_PRECONDITION names a job that is not over and uses it.
  absl::Status DeleteDataset(const std::string& id);

  // The same for a model folder: config, every tensor's shape and type, tokenizer.
  absl::StatusOr<Model> CreateModel(const std::string& id, const std::vector<FileEntry>& files);
  absl::StatusOr<Model> GetModel(const std::string& id);
  absl::StatusOr<Page<Model>> ListModels(const PageRequest& page);
  absl::Status DeleteModel(const std::string& id);

  // checkpoint_id may be "latest": the final one, else the newest.
  absl::StatusOr<Checkpoint> GetCheckpoint(const CheckpointRef& ref);
  // Of one job, or of all ("-"); newest first.
  absl::StatusOr<Page<Checkpoint>> ListCheckpoints(const std::string& job_id,
                                                   const PageRequest& page);

  // See blob_damage.h.
  absl::Status ExplainDamage(const absl::Status& status, const std::string& sha256);

 private:
  // Verifies all of them, so that a push sends again whatever is damaged; the first error,
  // explained. `again`: also what this process has received or verified before.
  absl::Status Verify(const std::vector<FileEntry>& files, bool again);

  Store& store_;
  BlobStore& blobs_;
  Commits& commits_;
  Clock& clock_;
};

}  // namespace tune::server
