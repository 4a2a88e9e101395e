#include "server/engine/data_folder.h"

#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
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

// Whether it refers to blobs.
absl::StatusOr<bool> WantsBlobs(Store& store) {
  bool wants = false;
  RETURN_IF_ERROR(store.Read([&](Reader& reader) -> absl::Status {
    ASSIGN_OR_RETURN(const auto datasets, reader.ListDatasets("", 1));
    ASSIGN_OR_RETURN(const auto models, reader.ListModels("", 1));
    wants = !datasets.empty() || !models.empty();
    return absl::OkStatus();
  }));
  return wants;
}

absl::Status CheckBlobsAreNotMissed(const std::string& data_dir, Store& store) {
  ASSIGN_OR_RETURN(const bool wants, WantsBlobs(store));
  if (!wants) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat(DatabasePath(data_dir), " has datasets or models, but ", data_dir,
                   "/blobs holds no blob. Is the right volume mounted? Restore the blobs, or start "
                   "once with --new, which takes the folder as it is: jobs then wait until what "
                   "they read is pushed again"));
}

absl::StatusOr<bool> IsEmpty(Store& store) {
  ASSIGN_OR_RETURN(const bool wants, WantsBlobs(store));
  if (wants) return false;
  bool empty = false;
  RETURN_IF_ERROR(store.Read([&](Reader& reader) -> absl::Status {
    JobFilter one;
    one.limit = 1;
    ASSIGN_OR_RETURN(const auto jobs, reader.ListJobs(one));
    empty = jobs.empty();
    return absl::OkStatus();
  }));
  return empty;
}

// Whose blobs these are, the newest first; empty where nobody has noted it.
std::vector<std::string> NotedIds(const std::string& data_dir) {
  return absl::StrSplit(ReadFile(IdentityPath(data_dir)).value_or(""), absl::ByAnyChar(" \n\r\t"),
                        absl::SkipEmpty());
}

std::string Difference(const std::vector<std::string>& noted) {
  return noted.empty() ? ": it is empty" : absl::StrCat(" (id ", absl::StrJoin(noted, ", "), ")");
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

absl::Status CheckDatabaseFits(const std::string& data_dir, Store& store) {
  if (!HasBlobs(data_dir)) return CheckBlobsAreNotMissed(data_dir, store);
  ASSIGN_OR_RETURN(const std::string id, store.DatabaseId());
  const std::vector<std::string> noted = NotedIds(data_dir);
  if (absl::c_linear_search(noted, id)) return absl::OkStatus();
  ASSIGN_OR_RETURN(const bool empty, IsEmpty(store));
  if (noted.empty() && !empty) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat(DatabasePath(data_dir), " (id ", id, ") is not the database of the blobs in ",
                   data_dir, "/blobs", Difference(noted), kAdvice));
}

void NoteDatabase(const std::string& data_dir, Store& store) {
  std::vector<std::string> ids = NotedIds(data_dir);
  const absl::StatusOr<std::string> id = store.DatabaseId();
  if (!id.ok() || (!ids.empty() && ids.front() == *id)) return;
  std::erase(ids, *id);
  ids.insert(ids.begin(), *id);
  const absl::Status written =
      WriteFileDurably(IdentityPath(data_dir), absl::StrJoin(ids, "\n") + "\n");
  if (!written.ok()) spdlog::warn("cannot note the database's id error=\"{}\"", written.ToString());
}

}  // namespace tune::server
