#include "server/engine/fsck.h"

#include <limits>
#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/status.h"
#include "run/names.h"
#include "server/engine/blobs.h"
#include "server/engine/data_folder.h"
#include "server/store/sqlite_store.h"

namespace tune::server {
namespace {

constexpr int64_t kAll = std::numeric_limits<int32_t>::max();

struct UsedFile {
  std::string resource;
  FileEntry file;
};

absl::Status ListUsedFiles(Reader& reader, std::vector<UsedFile>& used) {
  const auto add = [&](const std::string& resource, const std::vector<FileEntry>& files) {
    for (const FileEntry& file : files) used.push_back({resource, file});
  };
  ASSIGN_OR_RETURN(const auto datasets, reader.ListDatasets("", kAll));
  for (const Dataset& dataset : datasets) add(ResourceName("datasets", dataset.id), {dataset.file});
  ASSIGN_OR_RETURN(const auto models, reader.ListModels("", kAll));
  for (const Model& model : models) add(ResourceName("models", model.id), model.files);
  ASSIGN_OR_RETURN(const auto rows, reader.ListCheckpoints({"", /*before_order=*/0, kAll}));
  for (const CheckpointRow& row : rows) {
    add(CheckpointName(row.checkpoint.job_id, row.checkpoint.id), row.checkpoint.files);
  }
  return absl::OkStatus();
}

// What is wrong with the file's blob; "" where nothing is.
std::string ProblemOf(BlobStore& blobs, const FileEntry& file, bool quick) {
  const absl::Status verified = quick ? absl::OkStatus() : blobs.VerifyOnce(file.sha256);
  if (!verified.ok()) return std::string(verified.message());
  const BlobStatus status = blobs.Stat(file.sha256).value_or(BlobStatus());
  if (!status.complete) return absl::StrCat("blob ", file.sha256, " is not there");
  if (status.size_bytes == file.size_bytes) return "";
  return absl::StrCat("blob ", file.sha256, " has ", status.size_bytes, " bytes, not ",
                      file.size_bytes);
}

void CheckFiles(BlobStore& blobs, const std::vector<UsedFile>& used, bool quick,
                FsckReport& report) {
  std::set<std::string> seen;
  for (const auto& [resource, file] : used) {
    const std::string problem = ProblemOf(blobs, file, quick);
    if (!problem.empty()) {
      report.harmed.push_back(absl::StrCat(resource, ": ", file.path, ": ", problem));
    }
    if (!seen.insert(file.sha256).second) continue;
    ++report.blobs;
    report.size_bytes += file.size_bytes;
  }
}

absl::Status FindOrphans(BlobStore& blobs, const std::vector<UsedFile>& used, FsckReport& report) {
  std::set<std::string> referenced;
  for (const UsedFile& one : used) referenced.insert(one.file.sha256);
  ASSIGN_OR_RETURN(const std::vector<std::string> all, blobs.ListBlobs());
  for (const std::string& sha256 : all) {
    if (!referenced.contains(sha256)) report.orphans.push_back(sha256);
  }
  return absl::OkStatus();
}

absl::Status CheckThere(const std::string& data_dir) {
  RETURN_IF_ERROR(CheckDatabaseThere(data_dir, OtherDatabase::kRefuse));
  if (Exists(DatabasePath(data_dir))) return absl::OkStatus();
  return absl::NotFoundError(
      absl::StrCat(DatabasePath(data_dir),
                   " is not there, nor any blob: is this the --data-dir of a "
                   "tune-scheduler, and is its volume mounted?"));
}

void AddDatabaseProblem(const absl::Status& status, FsckReport& report) {
  if (!status.ok()) report.database.push_back(std::string(status.message()));
}

absl::Status CheckBlobs(const std::string& data_dir, Store& store, bool quick, FsckReport& report) {
  ASSIGN_OR_RETURN(const auto blobs, BlobStore::Open(data_dir));
  const auto before = blobs->Damaged();
  std::vector<UsedFile> used;
  RETURN_IF_ERROR(store.Read([&](Reader& reader) { return ListUsedFiles(reader, used); }));
  CheckFiles(*blobs, used, quick, report);
  for (const auto& [sha256, why] : blobs->Damaged()) {
    if (before.contains(sha256)) continue;
    const std::string path = JoinPath(data_dir, absl::StrCat("quarantine/", sha256));
    if (Exists(path)) report.set_aside.push_back(path);
  }
  return FindOrphans(*blobs, used, report);
}

}  // namespace

absl::StatusOr<FsckReport> Fsck(const std::string& data_dir, bool quick, Clock& clock) {
  RETURN_IF_ERROR(CheckThere(data_dir));
  ASSIGN_OR_RETURN(const auto lock, FileLock::Acquire(JoinPath(data_dir, "lock")));
  FsckReport report;
  const auto store = SqliteStore::Open(DatabasePath(data_dir), clock);
  if (absl::IsDataLoss(store.status())) {
    AddDatabaseProblem(store.status(), report);
    return report;
  }
  RETURN_IF_ERROR(store.status());
  ASSIGN_OR_RETURN(report.database, (*store)->CheckIntegrity());
  AddDatabaseProblem(CheckDatabaseFits(data_dir, **store), report);
  const absl::Status read = CheckBlobs(data_dir, **store, quick, report);
  if (!absl::IsDataLoss(read)) RETURN_IF_ERROR(read);
  return report;
}

}  // namespace tune::server
