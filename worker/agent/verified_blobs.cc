#include "worker/agent/verified_blobs.h"

#include <sys/stat.h>

#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/files.h"
#include "base/log.h"
#include "base/sha256.h"

namespace tune::worker {
namespace {

int64_t Nanoseconds(const timespec& time) { return time.tv_sec * 1'000'000'000 + time.tv_nsec; }

std::string BootId() {
  return std::string(
      absl::StripSuffix(ReadFile("/proc/sys/kernel/random/boot_id").value_or(""), "\n"));
}

}  // namespace

VerifiedBlobs::VerifiedBlobs(std::string dir) : VerifiedBlobs(std::move(dir), BootId()) {}

VerifiedBlobs::VerifiedBlobs(std::string dir, std::string boot_id)
    : dir_(std::move(dir)), boot_id_(std::move(boot_id)) {
  Load();
}

bool VerifiedBlobs::Contains(const std::string& sha256) const {
  const auto known = stamps_.find(sha256);
  Stamp now;
  return known != stamps_.end() && Read(sha256, now) && now == known->second;
}

bool VerifiedBlobs::Verify(const std::string& sha256) {
  if (Contains(sha256)) return true;
  Remove(sha256);
  Stamp before;
  if (!Read(sha256, before)) return false;
  const auto found = Sha256File(JoinPath(dir_, sha256));
  if (!found.ok() || *found != sha256) return false;
  stamps_[sha256] = before;
  return true;
}

void VerifiedBlobs::Add(const std::string& sha256) {
  Stamp now;
  if (Read(sha256, now)) stamps_[sha256] = now;
}

absl::Status VerifiedBlobs::Alter(const std::vector<std::string>& blobs,
                                  absl::FunctionRef<absl::Status()> change) {
  for (const std::string& sha256 : blobs) {
    if (!Contains(sha256)) Remove(sha256);
  }
  const absl::Status status = change();
  for (const std::string& sha256 : blobs) {
    const auto known = stamps_.find(sha256);
    if (known == stamps_.end()) continue;
    const Stamp before = known->second;
    stamps_.erase(known);
    Stamp now;
    const bool same =
        Read(sha256, now) && now.inode == before.inode && now.size_bytes == before.size_bytes;
    if (same) stamps_[sha256] = now;
  }
  return status;
}

bool VerifiedBlobs::Read(const std::string& sha256, Stamp& stamp) const {
  struct stat info;
  if (stat(JoinPath(dir_, sha256).c_str(), &info) != 0) return false;
  stamp = {info.st_size, info.st_ino, Nanoseconds(info.st_mtim), Nanoseconds(info.st_ctim)};
  return true;
}

// A line with the boot's id, then one a blob: hash, size, inode, mtime, ctime.
void VerifiedBlobs::Load() {
  std::istringstream lines(ReadFile(JoinPath(dir_, kVerifiedFile)).value_or(""));
  std::string boot_id, sha256;
  if (!(lines >> boot_id) || boot_id != boot_id_) return;
  Stamp stamp;
  while (lines >> sha256 >> stamp.size_bytes >> stamp.inode >> stamp.mtime_ns >> stamp.ctime_ns) {
    if (IsSha256Hex(sha256)) stamps_[sha256] = stamp;
  }
}

void VerifiedBlobs::Save() const {
  if (boot_id_.empty()) return;
  std::string text = boot_id_ + "\n";
  for (const auto& [sha256, stamp] : stamps_) {
    absl::StrAppend(&text, sha256, " ", stamp.size_bytes, " ", stamp.inode, " ", stamp.mtime_ns,
                    " ", stamp.ctime_ns, "\n");
  }
  const absl::Status written = WriteFileDurably(JoinPath(dir_, kVerifiedFile), text);
  if (!written.ok()) {
    spdlog::warn("cache: which blobs were hashed is not noted, so a restart hashes them again: {}",
                 written.ToString());
  }
}

}  // namespace tune::worker
