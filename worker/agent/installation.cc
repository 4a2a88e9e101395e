#include "worker/agent/installation.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/files.h"
#include "base/ids.h"
#include "base/log.h"

namespace tune::worker {
namespace {

// The host's id, see machine-id(5); "" where it has none, as in most containers.
std::string MachineId() {
  return std::string(absl::StripSuffix(ReadFile("/etc/machine-id").value_or(""), "\n"));
}

// Where the folder is, without spaces: its machine, its inode and when it was made. The number of
// its device is not in it, for that may be another after the next start of the host.
std::string HomeOf(const std::string& work_dir) {
  struct statx info = {};
  (void)statx(AT_FDCWD, work_dir.c_str(), 0, STATX_INO | STATX_BTIME, &info);
  return absl::StrCat(MachineId(), "/", info.stx_ino, "/", info.stx_btime.tv_sec, ".",
                      info.stx_btime.tv_nsec);
}

}  // namespace

std::string InstallationOf(const std::string& work_dir, const std::string& path) {
  const std::string text = ReadFile(path).value_or("");
  // One that an earlier release wrote names no folder.
  const std::pair<std::string, std::string> known = absl::StrSplit(text, absl::MaxSplits(' ', 1));
  const auto& [id, home] = known;
  if (!id.empty() && (home.empty() || home == HomeOf(work_dir))) return id;
  if (!id.empty()) {
    spdlog::info("{} was copied from another folder or machine: it gets an id of its own",
                 work_dir);
  }
  return NewUuid();
}

absl::Status KeepInstallation(const std::string& work_dir, const std::string& path,
                              const std::string& id) {
  const std::string text = absl::StrCat(id, " ", HomeOf(work_dir));
  if (ReadFile(path).value_or("") == text) return absl::OkStatus();
  return WriteFileDurably(path, text);
}

}  // namespace tune::worker
