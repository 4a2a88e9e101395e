#include "server/engine/blob_collector.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/log.h"
#include "base/status.h"

namespace tune::server {
namespace {

constexpr absl::Duration kSweepInterval = absl::Hours(24);
constexpr absl::Duration kUploadAge = absl::Hours(7 * 24);

absl::StatusOr<bool> IsReferenced(Store& store, const std::string& sha256) {
  bool referenced = true;
  RETURN_IF_ERROR(store.Read([&](Reader& reader) -> absl::Status {
    ASSIGN_OR_RETURN(referenced, reader.IsBlobReferenced(sha256));
    return absl::OkStatus();
  }));
  return referenced;
}

absl::Status CollectBlob(Store& store, BlobStore& blobs, const std::string& sha256) {
  absl::MutexLock lock(&blobs.references());
  ASSIGN_OR_RETURN(const bool referenced, IsReferenced(store, sha256));
  return referenced ? absl::OkStatus() : blobs.Discard(sha256);
}

}  // namespace

void CollectBlobs(Store& store, BlobStore& blobs, const std::vector<FileEntry>& files) {
  for (const FileEntry& file : files) {
    const absl::Status status = CollectBlob(store, blobs, file.sha256);
    if (!status.ok()) {
      spdlog::warn("cannot remove a blob sha256={} error=\"{}\"", file.sha256, status.ToString());
    }
  }
  if (const absl::Status bound = blobs.trash().Bound(); !bound.ok()) {
    spdlog::warn("cannot empty the trash error=\"{}\"", bound.ToString());
  }
}

absl::Status TakeBackReferenced(Store& store, BlobStore& blobs) {
  ASSIGN_OR_RETURN(const std::vector<std::string> trash, blobs.trash().List());
  for (const std::string& sha256 : trash) {
    ASSIGN_OR_RETURN(const bool referenced, IsReferenced(store, sha256));
    if (referenced) RETURN_IF_ERROR(blobs.Stat(sha256).status());
  }
  return absl::OkStatus();
}

void BlobCollector::Tick() {
  const absl::Duration now = clock_.Monotonic();
  if (last_sweep_ && now - *last_sweep_ < kSweepInterval) return;
  last_sweep_ = now;
  const absl::Status swept = Sweep();
  if (!swept.ok()) spdlog::warn("cannot sweep the blobs error=\"{}\"", swept.ToString());
}

absl::Status BlobCollector::Sweep() {
  RETURN_IF_ERROR(EmptyTrash());
  RETURN_IF_ERROR(blobs_.RemoveUploadsBefore(clock_.Now() - kUploadAge));
  ASSIGN_OR_RETURN(const std::vector<std::string> all, blobs_.ListBlobs());
  std::set<std::string> unreferenced;
  for (const std::string& sha256 : all) {
    ASSIGN_OR_RETURN(const bool referenced, IsReferenced(store_, sha256));
    if (referenced) continue;
    if (unreferenced_.contains(sha256)) {
      RETURN_IF_ERROR(CollectBlob(store_, blobs_, sha256));
    } else {
      unreferenced.insert(sha256);
    }
  }
  unreferenced_ = std::move(unreferenced);
  return blobs_.trash().Bound();
}

absl::Status BlobCollector::EmptyTrash() {
  ASSIGN_OR_RETURN(const std::vector<std::string> trash, blobs_.trash().List());
  for (const std::string& sha256 : trash) {
    if (in_trash_.contains(sha256)) RETURN_IF_ERROR(blobs_.trash().Remove(sha256));
  }
  in_trash_ = {trash.begin(), trash.end()};
  return absl::OkStatus();
}

}  // namespace tune::server
