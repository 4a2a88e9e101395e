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
#include "absl/strings/string_view.h"
#include "run/spec.h"

namespace tune {

// The names in a run folder, and in the lines above.
inline constexpr absl::string_view kRunFile = "run.json";
inline constexpr absl::string_view kEventsFile = "events.jsonl";
inline constexpr absl::string_view kBatchesFile = "batches.jsonl";
inline constexpr absl::string_view kTrainerLogFile = "trainer.log";
inline constexpr absl::string_view kTrainerLockFile = "trainer.lock";
// What a restarted worker finds its running trainer by: a v1::Lease, and "PID START" with the
// process's start in clock ticks since the host's.
inline constexpr absl::string_view kLeaseFile = "lease";
inline constexpr absl::string_view kTrainerPidFile = "trainer.pid";
inline constexpr absl::string_view kCheckpointsFolder = "checkpoints";
inline constexpr absl::string_view kModelFolder = "model";
inline constexpr absl::string_view kDatasetsFolder = "datasets";
inline constexpr absl::string_view kResumeFolder = "resume";
// In a checkpoint that can be gone on from.
inline constexpr absl::string_view kStateFolder = "state";
// In an exported model: transformers' state of a training, and under a key of ours the template
// that was learned, which `tune-trainer generate` asks by.
inline constexpr char kTrainerStateFile[] = "trainer_state.json";
inline constexpr absl::string_view kTemplateKey = "prompt_template";
// Ends the name of a checkpoint's folder while it is written, and of one while it is removed.
inline constexpr absl::string_view kTemporarySuffix = ".tmp";

// The variable of a trainer's environment that names a folder in which it may keep datasets as
// tokens for the runs after it. An older trainer passes over it.
inline constexpr char kTokenCacheVariable[] = "TUNE_TOKEN_CACHE";

// "checkpoints/ID", relative to the run folder; ID as in run/checkpoint_id.h.
std::string CheckpointPath(absl::string_view checkpoint_id);

// The most malformed rows that a dataset may be said to have.
inline constexpr int64_t kMaxBadRows = 1'000'000'000;

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
  // Whether a worker removes the checkpoints that are no longer wanted, after registering them;
  // by hand the trainer does.
  bool checkpoints_kept_by_worker = false;
};

// Reads DIR/run.json; errors name the file and the field.
absl::StatusOr<RunFolder> ReadRunFolder(const std::string& dir);
absl::Status WriteRunFolder(const std::string& dir, const RunFolder& run);
// The same with `spec` in place of run.spec, as it is: it may have fields that this program
// does not know.
absl::Status WriteRunFolder(const std::string& dir, const RunFolder& run, const Json& spec);

}  // namespace tune
