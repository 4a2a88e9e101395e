#include "server/engine/data_folder.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/log.h"
#include "base/status.h"

namespace tune::server {
namespace {

constexpr char kAdvice[] =
    ". Is the right volume mounted? Restore tune.db from its backup, or start once with --new, "
    "which takes the database as it is: blobs that it does not name are then removed after some "
    "days";

std::string IdentityPath(const std::string& data_dir) {
  return JoinPath(data_dir, "blobs/database_id");
}

bool HasBlobs(const std::string& data_dir) {
  const auto files = ListFilesBelow(JoinPath(data_dir, "blobs/sha256"));
  return files.ok() && !files->empty();
}

absl::StatusOr<bool> IsEmpty(Store& store) {
  bool empty = false;
  RETURN_IF_ERROR(store.Read([&](Reader& reader) -> absl::Status {
    JobFilter one;
    one.limit = 1;
    ASSIGN_OR_RETURN(const auto jobs, reader.ListJobs(one));
    ASSIGN_OR_RETURN(const auto datasets, reader.ListDatasets("", 1));
    ASSIGN_OR_RETURN(const auto models, reader.ListModels("", 1));
    empty = jobs.empty() && datasets.empty() && models.empty();
    return absl::OkStatus();
  }));
  return empty;
}

// Whose blobs these are is noted for the next start; that there is no room for it now is no
// reason not to start.
void NoteIdentity(const std::string& path, const std::string& id) {
  const absl::Status written = WriteFileDurably(path, id + "\n");
  if (!written.ok()) spdlog::warn("cannot note the database's id error=\"{}\"", written.ToString());
}

}  // namespace

std::string DatabasePath(const std::string& data_dir) { return JoinPath(data_dir, "tune.db"); }

absl::Status CheckDatabaseThere(const std::string& data_dir, OtherDatabase other) {
  const std::string path = DatabasePath(data_dir);
  if (FileSize(path).value_or(0) > 0 || other == OtherDatabase::kTake || !HasBlobs(data_dir)) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(absl::StrCat(path, " is ",
                                                    Exists(path) ? "empty" : "not there", ", but ",
                                                    data_dir, "/blobs holds blobs", kAdvice));
}

absl::Status CheckDatabaseFits(const std::string& data_dir, Store& store, OtherDatabase other) {
  const std::string path = IdentityPath(data_dir);
  ASSIGN_OR_RETURN(const std::string id, store.DatabaseId());
  const std::string noted(absl::StripAsciiWhitespace(ReadFile(path).value_or("")));
  if (noted == id) return absl::OkStatus();
  if (other == OtherDatabase::kRefuse && HasBlobs(data_dir)) {
    ASSIGN_OR_RETURN(const bool empty, IsEmpty(store));
    if (!noted.empty() || empty) {
      return absl::FailedPreconditionError(absl::StrCat(
          DatabasePath(data_dir), " (id ", id, ") is not the database of the blobs in ", data_dir,
          "/blobs", noted.empty() ? ": it is empty" : absl::StrCat(" (id ", noted, ")"), kAdvice));
    }
  }
  NoteIdentity(path, id);
  return absl::OkStatus();
}

}  // namespace tune::server
