#include "client/upload.h"

#include "base/field_errors.h"
#include "base/files.h"
#include "base/sha256.h"
#include "base/status.h"
#include "base/utf8.h"
#include "client/error_report.h"
#include "client/transfer_bar.h"
#include "proto/wire/blobs.h"

namespace tune::client {
namespace {

// A name that is not UTF-8 can be told neither to the scheduler nor to a person.
absl::Status CheckNames(const std::vector<std::string>& files) {
  FieldErrors errors;
  for (const std::string& file : files) {
    std::string problem = Utf8Problem(file);
    if (!problem.empty()) errors.Add(ReplaceInvalidUtf8(file), "its name " + std::move(problem));
  }
  return errors.ToStatus("files");
}

}  // namespace

absl::StatusOr<std::vector<v1::FileEntry>> UploadFiles(Context& context, const std::string& folder,
                                                       const std::vector<std::string>& files) {
  RETURN_IF_ERROR(CheckNames(files));
  ASSIGN_OR_RETURN(auto channel, context.Connect());
  BlobClient blobs(std::move(channel));
  TransferBar bar(context);
  std::vector<v1::FileEntry> entries;
  for (const std::string& file : files) {
    const std::string path = JoinPath(folder, file);
    v1::FileEntry entry;
    entry.set_path(file);
    ASSIGN_OR_RETURN(const int64_t size, FileSize(path));
    ASSIGN_OR_RETURN(const std::string sha256, Sha256File(path));
    entry.set_size_bytes(size);
    entry.set_sha256(sha256);
    RETURN_IF_ERROR(WithHint(blobs.Upload(path, sha256, size, bar.For(file)),
                             "run the same command again: it goes on where it stopped"));
    bar.Done("sent, sha256 ok");
    entries.push_back(std::move(entry));
  }
  return entries;
}

}  // namespace tune::client
