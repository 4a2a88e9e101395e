// What the registry holds: datasets, models and checkpoints, all of them lists of blobs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "run/columns.h"
#include "run/files.h"

namespace tune::server {

struct Dataset {
  std::string id;
  FileEntry file;
  std::string format;  // DatasetSummary::FormText (recipe/data/dataset.h)
  int64_t rows = 0;    // good ones
  absl::Time create_time = absl::InfinitePast();
  int64_t max_bad_rows = 0;  // that readers skip
  int64_t bad_rows = 0;
  Columns columns = {};                 // of the rows' keys, as it was pushed
  std::vector<std::string> notes = {};  // what there is to tell of its rows
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

}  // namespace tune::server
