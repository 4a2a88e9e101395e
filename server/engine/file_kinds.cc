#include "server/engine/file_kinds.h"

#include "absl/strings/str_cat.h"
#include "base/json.h"
#include "recipe/data/open_rows.h"

namespace tune::server {

std::string FileKinds::KindOf(const Dataset& dataset, const Columns& columns) {
  const std::string& sha256 = dataset.file.sha256;
  const std::string key = DumpJson({sha256, dataset.file.path, ColumnsToJson(columns)});
  {
    absl::MutexLock lock(&mutex_);
    const auto known = kinds_.find(key);
    if (known != kinds_.end()) return known->second;
  }
  const auto kind = TellKindOfFile(blobs_.Path(sha256), dataset.file.path, columns);
  if (!kind.ok()) return "";
  absl::MutexLock lock(&mutex_);
  return kinds_.emplace(key, *kind).first->second;
}

}  // namespace tune::server
