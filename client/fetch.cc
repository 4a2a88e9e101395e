#include "client/fetch.h"

#include "base/status.h"
#include "proto/wire/blobs.h"

namespace tune::client {

absl::Status FetchFile(Context& context, const v1::FileEntry& file, const std::string& path) {
  ASSIGN_OR_RETURN(const auto channel, context.Connect());
  return BlobClient(channel).Download(file.sha256(), file.size_bytes(), path);
}

}  // namespace tune::client
