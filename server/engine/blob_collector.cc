#include "server/engine/blob_collector.h"

#include "base/log.h"
#include "base/status.h"

namespace tune::server {
namespace {

constexpr absl::Duration kOrphanAge = absl::Hours(24);
constexpr absl::Duration kUploadAge = absl::Hours(7 * 24);

absl::Status CollectBlob(Store& store, BlobStore& blobs, const std::string& sha256) {
  absl::MutexLock lock(&blobs.references());
  bool referenced = true;
  RETURN_IF_ERROR(store.Read([&](Reader& reader) -> absl::Status {
    ASSIGN_OR_RETURN(referenced, reader.IsBlobReferenced(sha256));
    return absl::OkStatus();
  }));
  return referenced ? absl::OkStatus() : blobs.Remove(sha256);
}

}  // namespace

void CollectBlobs(Store& store, BlobStore& blobs, const std::vector<FileEntry>& files) {
  for (const FileEntry& file : files) {
    const absl::Status status = CollectBlob(store, blobs, file.sha256);
    if (!status.ok()) {
      spdlog::warn("cannot remove a blob sha256={} error=\"{}\"", file.sha256, status.ToString());
    }
  }
}

absl::Status SweepBlobs(Store& store, BlobStore& blobs, absl::Time now) {
  RETURN_IF_ERROR(blobs.RemoveUploadsBefore(now - kUploadAge));
  ASSIGN_OR_RETURN(const std::vector<std::string> old, blobs.BlobsBefore(now - kOrphanAge));
  for (const std::string& sha256 : old) RETURN_IF_ERROR(CollectBlob(store, blobs, sha256));
  return absl::OkStatus();
}

}  // namespace tune::server
