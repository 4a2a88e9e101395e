// Whether a run folder is still what its run goes on in: cleaners of old files remove parts of it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "worker/agent/file_id.h"

namespace tune::worker {

// Not thread-safe.
class FolderWatch {
 public:
  // Of a folder that is there. `inputs` are the paths in it of what the trainer was given.
  FolderWatch(std::string run_dir, std::vector<std::string> inputs);

  // The path of what was removed, or removed and made again, since the watch began: the folder
  // itself, or its events (of a folder without them, which an earlier release made, from the first
  // call that finds them); "" where all is as it was. Takes two looks at the disk.
  std::string Lost();
  // The same, and of an input that is not there.
  std::string LostWithInputs();

 private:
  const std::string run_dir_;
  const std::vector<std::string> inputs_;
  const std::string events_path_;
  const std::optional<FileId> folder_;
  std::optional<FileId> events_;
};

}  // namespace tune::worker
