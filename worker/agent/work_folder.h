// The names in a worker's own folder (--work-dir), which one worker holds at a time.
#pragma once

#include <string>

#include "base/files.h"

namespace tune::worker {

struct WorkFolder {
  explicit WorkFolder(const std::string& work_dir)
      : cache(JoinPath(work_dir, "cache")),
        runs(JoinPath(work_dir, "runs")),
        lock(JoinPath(work_dir, "lock")),
        installation(JoinPath(work_dir, "installation")) {}

  std::string cache;         // blobs by their hash (blob_cache.h)
  std::string runs;          // a run folder for each attempt (run/folder.h)
  std::string lock;          // held for the worker's life
  std::string installation;  // the folder's id, made once
};

}  // namespace tune::worker
