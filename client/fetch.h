// A file out of the scheduler's store.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "client/context.h"
#include "tune/v1/registry.pb.h"

namespace tune::client {

// Writes the file's content, its hash checked, to `path`.
absl::Status FetchFile(Context& context, const v1::FileEntry& file, const std::string& path);

}  // namespace tune::client
