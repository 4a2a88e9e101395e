#include "server/engine/blob_damage.h"

#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "base/status.h"
#include "run/names.h"
#include "server/core/errors.h"

namespace tune::server {

std::string MendingOf(const std::string& resource) {
  for (const absl::string_view collection : {"models", "datasets"}) {
    absl::string_view id = resource;
    if (absl::ConsumePrefix(&id, absl::StrCat(collection, "/"))) {
      return absl::StrCat("push the same content again (tunectl ", collection, " push ", id,
                          "): that mends it");
    }
  }
  const auto ref = ParseCheckpointName(resource);
  return absl::StrCat("it is whole again once a worker or a push sends the same content; other ",
                      "checkpoints: tunectl checkpoints list ", ref.ok() ? ref->job_id : "JOB");
}

absl::Status ExplainDamage(const absl::Status& status, Store& store, BlobStore& blobs,
                           const std::string& sha256) {
  const bool gone = absl::IsNotFound(status);
  if (!gone && !IsDamagedBlob(status)) return status;
  std::vector<BlobUser> users;
  RETURN_IF_ERROR(store.Read([&](Reader& reader) -> absl::Status {
    ASSIGN_OR_RETURN(users, reader.FindBlobUsers(sha256));
    return absl::OkStatus();
  }));
  std::vector<std::string> harmed;
  std::set<std::string> mendings;
  for (const BlobUser& user : users) {
    harmed.push_back(absl::StrCat(user.resource, " (", user.path, ")"));
    mendings.insert(MendingOf(user.resource));
  }
  if (harmed.empty()) return status;
  if (gone) blobs.NoteGone(sha256);
  return DamagedBlob(absl::StrCat(status.message(), "; harmed: ", absl::StrJoin(harmed, ", "), "; ",
                                  absl::StrJoin(mendings, "; ")));
}

}  // namespace tune::server
