// Local files into the scheduler's store.
#pragma once

#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "client/context.h"
#include "proto/wire/blobs.h"
#include "proto/wire/status.h"
#include "tune/v1/registry.pb.h"

namespace tune::client {

// Hashes and sends each of `files` (relative to `folder`), and returns their entries.
// Files the store has already are not sent again.
absl::StatusOr<std::vector<v1::FileEntry>> UploadFiles(Context& context, const std::string& folder,
                                                       const std::vector<std::string>& files);

// UploadFiles, then `create` with the entries; both once again where the scheduler finds that
// what it had of them is damaged.
template <class Response>
absl::StatusOr<Response> PushFiles(
    Context& context, const std::string& folder, const std::vector<std::string>& files,
    absl::FunctionRef<absl::StatusOr<Response>(const std::vector<v1::FileEntry>&)> create) {
  for (bool again = false;; again = true) {
    const auto entries = UploadFiles(context, folder, files);
    if (!entries.ok()) return entries.status();
    absl::StatusOr<Response> response = create(*entries);
    if (again || ReasonOf(response.status()) != kBlobDamaged) return response;
    context.Note("the scheduler's copy was damaged; sending it again");
  }
}

}  // namespace tune::client
