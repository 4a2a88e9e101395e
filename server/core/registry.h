// What the registry holds: datasets, models and checkpoints, all of them lists of blobs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace tune::server {

// One file; its content is the blob `sha256`.
struct FileEntry {
  std::string path;  // relative, "/" between parts, no "." or ".."
  int64_t size_bytes = 0;
  std::string sha256;  // 64 lower-case hex digits

  bool operator==(const FileEntry&) const = default;
};

struct Dataset {
  std::string id;
  FileEntry file;
  std::string format;  // as DatasetSummary (recipe/dataset.h)
  int64_t rows = 0;    // good ones
  absl::Time create_time = absl::InfinitePast();
  int64_t max_bad_rows = 0;  // that readers skip
  int64_t bad_rows = 0;
};

struct Model {
  std::string id;
  std::vector<FileEntry> files;  // sorted by path
  std::string architecture;      // "PhiForCausalLM"
  int64_t parameters = 0;
  std::string precision;  // "fp32", "bf16" or "fp16"
  int64_t size_bytes = 0;
  int64_t max_position_embeddings = 0;
  absl::Time create_time = absl::InfinitePast();
};

struct Checkpoint {
  std::string job_id;
  std::string id;  // "step-00000012" or "final"
  int64_t step = 0;
  double epoch = 0;
  double loss = 0;
  bool final = false;            // the result; others hold state/ to resume from
  std::vector<FileEntry> files;  // sorted by path
  int64_t size_bytes = 0;
  std::string digest;  // FilesDigest(files)
  std::string parent;  // "jobs/J/checkpoints/C" or "models/M": what its run went on from
  absl::Time create_time = absl::InfinitePast();
};

// SHA-256 of the lines "sha256  path\n", sorted by path.
std::string FilesDigest(std::vector<FileEntry> files);

// Every path safe (relative, no empty, "." or ".." part, no NUL, at most 512 bytes) and
// there once, every hash well-formed, sizes not negative, 1 to 1000 files. All errors at
// once, fields "FIELD[2].path".
absl::Status CheckFiles(const std::vector<FileEntry>& files, const std::string& field);

}  // namespace tune::server
