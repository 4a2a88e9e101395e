// A folder for what a command needs while it runs.
#pragma once

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/files.h"

namespace tune::client {

// Among the system's temporary folders, of its own, removed with everything in it.
class TemporaryFolder {
 public:
  static absl::StatusOr<TemporaryFolder> Make();
  ~TemporaryFolder();
  TemporaryFolder(TemporaryFolder&& other) noexcept : path_(std::exchange(other.path_, "")) {}

  std::string operator/(absl::string_view name) const { return JoinPath(path_, name); }

 private:
  explicit TemporaryFolder(std::string path) : path_(std::move(path)) {}

  std::string path_;  // "" once moved from
};

}  // namespace tune::client
