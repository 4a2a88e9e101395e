// Local files into the scheduler's store.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/context.h"
#include "tune/v1/registry.pb.h"

namespace tune::client {

// Hashes and sends each of `files` (relative to `folder`), and returns their entries.
// Files the store has already are not sent again.
absl::StatusOr<std::vector<v1::FileEntry>> UploadFiles(Context& context, const std::string& folder,
                                                       const std::vector<std::string>& files);

}  // namespace tune::client
