#include "client/pull.h"

#include <algorithm>
#include <filesystem>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/files.h"
#include "base/sha256.h"
#include "base/status.h"
#include "client/error_report.h"
#include "client/format.h"
#include "client/transfer_bar.h"
#include "proto/wire/blobs.h"
#include "proto/wire/status.h"
#include "run/files.h"
#include "run/folder.h"

namespace tune::client {
namespace {

constexpr int64_t kSpareBytes = 64 << 20;  // for the volume's own records

// The scheduler's word is not enough to write outside the folder.
absl::Status CheckPath(const std::string& path) {
  if (IsSafePath(path)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("the checkpoint names a file \"", path, "\": its path ", SafePathRule()));
}

int64_t PartBytes(const std::string& path, int64_t size) {
  const int64_t held = FileSize(path + ".part").value_or(0);
  return held <= size ? held : 0;
}

absl::StatusOr<bool> HasContent(const std::string& path, const v1::FileEntry& entry) {
  ASSIGN_OR_RETURN(const int64_t size, FileSize(path));
  if (size != entry.size_bytes()) return false;
  ASSIGN_OR_RETURN(const std::string sha256, Sha256File(path));
  return sha256 == entry.sha256();
}

bool ComesLast(const v1::FileEntry& entry) { return entry.path() == "config.json"; }

std::filesystem::path Normal(const std::string& path) {
  const std::filesystem::path normal = std::filesystem::absolute(path).lexically_normal();
  return normal.has_filename() ? normal : normal.parent_path();
}

std::filesystem::path NearestFolder(std::filesystem::path folder) {
  while (!Exists(folder) && folder.has_relative_path()) folder = folder.parent_path();
  return folder;
}

// Names of folders made for the first time are in their parents, which need a sync too.
absl::Status MakeFolder(const std::string& path) {
  std::filesystem::path folder = Normal(path);
  const std::filesystem::path base = NearestFolder(folder);
  if (folder == base) return absl::OkStatus();
  RETURN_IF_ERROR(CreateDirectories(folder));
  for (; folder != base; folder = folder.parent_path()) {
    RETURN_IF_ERROR(SyncDirectory(folder.parent_path()));
  }
  return absl::OkStatus();
}

// What is damaged on the scheduler's disk does not come by trying again.
absl::Status HintOfPull(absl::Status status) {
  if (ReasonOf(status) == kBlobDamaged) {
    return WithHint(std::move(status), "tune-scheduler fsck names all that is harmed");
  }
  return WithHint(std::move(status), "run the same command again: it goes on where it stopped");
}

}  // namespace

absl::StatusOr<PullPlan> PlanPull(const v1::Checkpoint& checkpoint, const PullOptions& options) {
  PullPlan plan;
  std::vector<std::string> others;
  for (const v1::FileEntry& entry : checkpoint.files()) {
    RETURN_IF_ERROR(CheckPath(entry.path()));
    if (!options.with_state && absl::StartsWith(entry.path(), absl::StrCat(kStateFolder, "/")))
      continue;
    const std::string path = JoinPath(options.folder, entry.path());
    bool same = false;
    if (Exists(path)) {
      ASSIGN_OR_RETURN(same, HasContent(path, entry));
      if (!same) others.push_back(path);
    }
    (same ? plan.present : plan.missing).push_back(entry);
    if (!same) plan.bytes_to_fetch += entry.size_bytes() - PartBytes(path, entry.size_bytes());
  }
  std::stable_partition(plan.missing.begin(), plan.missing.end(),
                        [](const v1::FileEntry& entry) { return !ComesLast(entry); });
  if (others.empty() || options.force) return plan;
  return WithHint(absl::AlreadyExistsError(
                      absl::StrCat("there with other content: ", absl::StrJoin(others, ", "))),
                  "pull into another folder with -d, or replace them with --force");
}

absl::Status CheckSpace(const PullPlan& plan, const std::string& folder, int64_t free_bytes) {
  if (plan.bytes_to_fetch + kSpareBytes <= free_bytes) return absl::OkStatus();
  return WithHint(absl::ResourceExhaustedError(absl::StrCat(
                      folder, ": needs ", HumanBytes(plan.bytes_to_fetch + kSpareBytes), ", but ",
                      HumanBytes(free_bytes), " are free there")),
                  "free some space, or pull to another volume with -d");
}

absl::Status Pull(Context& context, const PullPlan& plan, const PullOptions& options) {
  ASSIGN_OR_RETURN(const int64_t free_bytes, FreeBytes(NearestFolder(Normal(options.folder))));
  RETURN_IF_ERROR(CheckSpace(plan, options.folder, free_bytes));
  ASSIGN_OR_RETURN(auto channel, context.Connect());
  BlobClient blobs(std::move(channel));
  TransferBar bar(context);
  RETURN_IF_ERROR(MakeFolder(options.folder));
  for (const v1::FileEntry& entry : plan.missing) {
    const std::string path = JoinPath(options.folder, entry.path());
    RETURN_IF_ERROR(MakeFolder(std::filesystem::path(path).parent_path()));
    RETURN_IF_ERROR(HintOfPull(
        blobs.Download(entry.sha256(), entry.size_bytes(), path, bar.For(entry.path()))));
    bar.Done("sha256 ok");
  }
  return absl::OkStatus();
}

}  // namespace tune::client
