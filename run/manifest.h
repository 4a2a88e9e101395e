// manifest.json, which makes a folder a checkpoint: it is written last, after every file that
// it lists is on the disk.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "run/files.h"

namespace tune {

inline constexpr absl::string_view kManifestFile = "manifest.json";

// What manifest.json holds. A checkpoint folder without it is none.
struct Manifest {
  int64_t step = 0;  // optimizer steps done
  double epoch = 0;  // epochs done, as a fraction
  double loss = 0;   // mean over the last step's target tokens, in nats
  bool final = false;
  std::vector<FileEntry> files;  // sorted by path; manifest.json itself is not among them
};

// Errors name the file and the field.
absl::StatusOr<Manifest> ReadManifest(const std::string& checkpoint_dir);
// Of files that were hashed while they were written: SHA-256 by path in the folder.
using Digests = std::map<std::string, std::string>;

// Syncs every file below the folder, hashes those that `known` does not name, and writes
// manifest.json durably.
absl::StatusOr<Manifest> WriteManifest(const std::string& checkpoint_dir, int64_t step,
                                       double epoch, double loss, bool final,
                                       const Digests& known = {});
// Hashes every file again; DATA_LOSS names the first that differs or is missing.
absl::Status VerifyManifest(const std::string& checkpoint_dir);

// Every file of a complete checkpoint, manifest.json among them: what is uploaded, so that a
// checkpoint can be checked, and gone on from, wherever it is pulled to.
absl::StatusOr<std::vector<FileEntry>> CheckpointFiles(const std::string& checkpoint_dir,
                                                       const Manifest& manifest);

}  // namespace tune
