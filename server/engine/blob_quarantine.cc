#include "server/engine/blob_quarantine.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/files.h"
#include "base/log.h"
#include "base/sha256.h"
#include "base/status.h"

namespace tune::server {
namespace {

constexpr char kWhySuffix[] = ".why";

}  // namespace

absl::StatusOr<std::unique_ptr<BlobQuarantine>> BlobQuarantine::Open(const std::string& dir) {
  std::unique_ptr<BlobQuarantine> quarantine(new BlobQuarantine(dir));
  if (!Exists(dir)) return quarantine;
  ASSIGN_OR_RETURN(const std::vector<std::string> names, ListDirectory(dir));
  absl::MutexLock lock(&quarantine->mutex_);
  for (const std::string& name : names) {
    const std::string sha256(absl::StripSuffix(name, kWhySuffix));
    if (!IsSha256Hex(sha256)) continue;
    quarantine->damaged_[sha256] =
        ReadFile(quarantine->WhyPathOf(sha256)).value_or("it was set aside earlier");
  }
  return quarantine;
}

std::string BlobQuarantine::PathOf(const std::string& sha256) const {
  return JoinPath(dir_, sha256);
}

absl::Status BlobQuarantine::Take(const std::string& path, const std::string& sha256,
                                  const std::string& why) {
  spdlog::error("a blob is damaged, and set aside sha256={} why=\"{}\" at={}", sha256, why,
                PathOf(sha256));
  RETURN_IF_ERROR(CreateDirectories(dir_));
  absl::MutexLock lock(&mutex_);
  // The reason is for people: on a full disk the blob is set aside without one.
  (void)WriteFileDurably(WhyPathOf(sha256), why);
  RETURN_IF_ERROR(RenameDurably(path, PathOf(sha256)));
  damaged_[sha256] = why;
  return absl::OkStatus();
}

std::string BlobQuarantine::WhyPathOf(const std::string& sha256) const {
  return absl::StrCat(PathOf(sha256), kWhySuffix);
}

void BlobQuarantine::NoteGone(const std::string& sha256) {
  constexpr char kWhy[] = "it is gone from the scheduler's disk";
  absl::MutexLock lock(&mutex_);
  if (!damaged_.emplace(sha256, kWhy).second) return;
  spdlog::error("a blob is gone sha256={}", sha256);
  // For the next start; where it cannot be written, that finds out anew.
  if (CreateDirectories(dir_).ok()) (void)WriteFileDurably(WhyPathOf(sha256), kWhy);
}

bool BlobQuarantine::Forget(const std::string& sha256) {
  absl::MutexLock lock(&mutex_);
  if (damaged_.erase(sha256) == 0) return false;
  (void)RemoveAll(PathOf(sha256));
  (void)RemoveAll(WhyPathOf(sha256));
  return true;
}

std::optional<std::string> BlobQuarantine::WhyDamaged(const std::string& sha256) {
  absl::MutexLock lock(&mutex_);
  const auto found = damaged_.find(sha256);
  if (found == damaged_.end()) return std::nullopt;
  return found->second;
}

std::map<std::string, std::string> BlobQuarantine::Damaged() {
  absl::MutexLock lock(&mutex_);
  return damaged_;
}

}  // namespace tune::server
