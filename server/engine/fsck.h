// Looking through a data folder while no scheduler runs on it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/clock.h"

namespace tune::server {

struct FsckReport {
  int64_t blobs = 0;       // that are referred to, each counted once
  int64_t size_bytes = 0;  // of those
  // "models/M: model.safetensors: blob ab12… is not there": one line per file that cannot be
  // read, sorted.
  std::vector<std::string> harmed;
  // What is wrong with the database: what SQLite finds, or that these are another one's blobs.
  std::vector<std::string> database;
  // The paths to which blobs found damaged were moved by this look.
  std::vector<std::string> set_aside;
  // Blobs that nothing refers to. They harm nothing; the scheduler removes them in time.
  std::vector<std::string> orphans;

  bool whole() const { return harmed.empty() && database.empty(); }
};

// Takes the folder's lock and checks the database and every file that it refers to: its size,
// and unless `quick` its hash. What is damaged is set aside, as when the scheduler meets it.
// NOT_FOUND where there is no database; FAILED_PRECONDITION where a scheduler runs, or where the
// database is not there but its blobs are.
absl::StatusOr<FsckReport> Fsck(const std::string& data_dir, bool quick, Clock& clock);

}  // namespace tune::server
