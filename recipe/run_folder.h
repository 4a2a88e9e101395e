// The contract between tune-worker and tune-trainer: a folder.
//
//   run.json                 what to do (RunFolder below)
//   events.jsonl             one TrainingEvent a line (proto/tune/v1/training.proto, proto3
//                            JSON with the proto's field names), appended by the trainer
//   batches.jsonl            the losses of each step's rows, for `tune-trainer batches`
//   trainer.log              its stdout and stderr
//   checkpoints/step-00000012/   complete once manifest.json is in it
//   checkpoints/final/           the result: a Hugging Face folder, with manifest.json
//
// A checkpoint folder holds the Hugging Face files at its top, and for a resumable one
// state/: state.json (step, data cursor, RNG, schedule, digests of spec and data) and
// optimizer-0000R-of-0000N.safetensors (fp32 master, exp_avg, exp_avg_sq of rank R of N).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/json.h"
#include "recipe/run_spec.h"

namespace tune {

struct RunDataset {
  std::string dataset;  // "datasets/NAME", as in the spec
  std::string path;     // of its file; relative to the run folder, or absolute
  std::string sha256;
  int64_t max_bad_rows = 0;  // more malformed rows are an error, fewer are skipped
};

struct RunFolder {
  std::string job;  // "jobs/J"; "" by hand
  int64_t attempt = 1;
  RunSpec spec;
  std::string model_path;
  std::vector<RunDataset> datasets;  // the eval set too
  std::string resume_path;           // a checkpoint folder; "" to start from the model
  std::string parent;                // lineage: the base model's or checkpoint's name
  // Provenance for the model card: "" where not known.
  std::string model_digest;
};

// Reads DIR/run.json; errors name the file and the field.
absl::StatusOr<RunFolder> ReadRunFolder(const std::string& dir);
absl::Status WriteRunFolder(const std::string& dir, const RunFolder& run);

// A file of a checkpoint, as manifest.json lists it.
struct ManifestEntry {
  std::string path;
  int64_t size_bytes = 0;
  std::string sha256;

  bool operator==(const ManifestEntry&) const = default;
};

// manifest.json: written last, after every listed file is synced; a checkpoint folder
// without it is not one.
struct Manifest {
  int64_t step = 0;
  double epoch = 0;
  double loss = 0;
  bool final = false;
  std::vector<ManifestEntry> files;  // sorted by path; manifest.json itself not among them
};

absl::StatusOr<Manifest> ReadManifest(const std::string& checkpoint_dir);
// Hashes every file below the folder and writes manifest.json.
absl::StatusOr<Manifest> WriteManifest(const std::string& checkpoint_dir, int64_t step,
                                       double epoch, double loss, bool final);
// Re-hashes; DATA_LOSS names the first file that differs.
absl::Status VerifyManifest(const std::string& checkpoint_dir);

}  // namespace tune
