#include "worker/agent/folder_watch.h"

#include <utility>

#include "base/files.h"
#include "run/folder.h"

namespace tune::worker {

FolderWatch::FolderWatch(std::string run_dir, std::vector<std::string> inputs)
    : run_dir_(std::move(run_dir)),
      inputs_(std::move(inputs)),
      events_path_(JoinPath(run_dir_, kEventsFile)),
      folder_(FileIdOf(run_dir_)),
      events_(FileIdOf(events_path_)) {}

std::string FolderWatch::Lost() {
  if (!folder_ || FileIdOf(run_dir_) != folder_) return run_dir_;
  const std::optional<FileId> events = FileIdOf(events_path_);
  if (!events_) events_ = events;
  return events == events_ ? "" : events_path_;
}

std::string FolderWatch::LostWithInputs() {
  if (std::string lost = Lost(); !lost.empty()) return lost;
  for (const std::string& input : inputs_) {
    std::string path = JoinPath(run_dir_, input);
    if (!Exists(path)) return path;
  }
  return "";
}

}  // namespace tune::worker
