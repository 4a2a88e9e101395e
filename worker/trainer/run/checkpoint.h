// Resumable checkpoints: what a bit-equal continuation needs. Data order, schedule and
// dropout are pure functions of the spec and the step, so the state is the step, the fp32
// masters of the trainable parameters and their moments.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "run/manifest.h"
#include "worker/trainer/optim/optimizer.h"
#include "worker/trainer/optim/parameters.h"
#include "worker/trainer/optim/ranks.h"
#include "worker/trainer/run/export.h"

namespace tune::trainer {

struct ResumableState {
  const Parameters* parameters;
  const AdamW* optimizer;
};

// Writes `path` (…/checkpoints/step-00000012): everything into a temporary folder beside
// it, synced, its manifest last, then renamed; what was at `path` is replaced. With
// `state` null it is a final one, of the model alone. Every rank calls this and writes its
// shard of the state, the first all else; it is the first that gets the manifest. Files are hashed
// as they are written. `on_written` is called when they are, and it remains to wait for the disk.
// Nothing is left behind on an error.
absl::StatusOr<Manifest> WriteCheckpoint(const std::string& path, const ExportedModel& model,
                                         const Lineage& lineage, const ResumableState* state,
                                         Ranks& ranks,
                                         const std::function<void()>& on_written = {});

// The precision of the run that wrote the checkpoint, "fp32" or "bf16"; "" where it is none
// that ReadResumeState would take.
std::string ResumedPrecision(const std::string& path);

// Bytes a checkpoint will take, a little more than less.
int64_t CheckpointBytes(const Parameters& parameters, DType dtype, bool resumable);

// Verifies the checkpoint's hashes and that it is of this run: BadCheckpoint, or
// ResumeMismatch naming every field of the spec and dataset that differs. What of the spec may
// differ, and how a checkpoint of another release is read, says run/spec_identity.h.
absl::StatusOr<std::vector<LogEntry>> ReadResumeState(const std::string& path,
                                                      const Lineage& lineage);

// Masters, moments and, from the masters, the weights: this rank's shard, from whatever
// shards there are.
absl::Status RestoreOptimizer(const std::string& path, const Parameters& parameters,
                              AdamW* optimizer);

}  // namespace tune::trainer
