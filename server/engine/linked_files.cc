#include "server/engine/linked_files.h"

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/ids.h"
#include "base/status.h"

namespace tune::server {

LinkedFiles::~LinkedFiles() { (void)RemoveAll(path_); }

absl::StatusOr<std::unique_ptr<LinkedFiles>> LinkedFiles::Make(
    const BlobStore& blobs, const std::vector<FileEntry>& files) {
  std::unique_ptr<LinkedFiles> folder(
      new LinkedFiles(absl::StrCat(blobs.dir(), "/uploads/model-", NewUlid(absl::UnixEpoch()))));
  for (const FileEntry& file : files) {
    const std::filesystem::path link = JoinPath(folder->path(), file.path);
    RETURN_IF_ERROR(CreateDirectories(link.parent_path().string()));
    std::error_code error;
    std::filesystem::create_symlink(std::filesystem::absolute(blobs.Path(file.sha256)), link,
                                    error);
    if (error) return absl::InternalError(absl::StrCat(link.string(), ": ", error.message()));
  }
  return folder;
}

}  // namespace tune::server
