// What kind of file each dataset is, told by its content, once.
#pragma once

#include <map>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "server/core/registry.h"
#include "server/engine/blobs.h"

namespace tune::server {

// Thread-safe.
class FileKinds {
 public:
  explicit FileKinds(const BlobStore& blobs) : blobs_(blobs) {}

  // As TellKindOfFile has it (recipe/data/open_rows.h), by these columns. "" where the file cannot
  // be read: then its job asks nothing of a trainer for it.
  std::string KindOf(const Dataset& dataset, const Columns& columns);

 private:
  const BlobStore& blobs_;
  absl::Mutex mutex_;
  std::map<std::string, std::string> kinds_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tune::server
