// Content-addressed files on disk: a blob's name is the SHA-256 of its content.
//
//   DIR/blobs/sha256/ab/ab12…   whole, verified, synced, never changed
//   DIR/uploads/ab12…           an upload that is under way or was left
//   DIR/quarantine/ab12…        one that was damaged, see blob_quarantine.h
//   DIR/trash/ab12…             one that nothing refers to, see blob_trash.h
//
// A blob that is read and proves damaged is set aside: from then on it is not complete, and
// an upload of the same content mends it and whatever refers to it.
//
// Thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/files.h"
#include "base/sha256.h"
#include "server/core/registry.h"
#include "server/engine/blob_quarantine.h"
#include "server/engine/blob_trash.h"

namespace tune::server {

struct BlobStatus {
  bool complete = false;
  int64_t size_bytes = 0;      // of a complete one
  int64_t received_bytes = 0;  // an upload may go on from here; the size of a complete one
};

class BlobStore;

// One upload. Destroyed before Finish: what came stays, to be continued.
class BlobUpload {
 public:
  ~BlobUpload();
  BlobUpload(const BlobUpload&) = delete;
  BlobUpload& operator=(const BlobUpload&) = delete;

  // `chunk_sha256`: the 32 bytes of the chunk's hash. DATA_LOSS where it differs (nothing
  // is kept of this chunk), OUT_OF_RANGE beyond the size announced, RESOURCE_EXHAUSTED on
  // a full disk.
  absl::Status Append(absl::string_view chunk, absl::string_view chunk_sha256);

  // Whole hash, fsync, rename, fsync of the folder. DATA_LOSS where the hash differs: what
  // came is thrown away; INVALID_ARGUMENT where bytes are missing. OK at once for a blob
  // that was complete at the beginning.
  absl::Status Finish();

  int64_t received_bytes() const { return received_bytes_; }

 private:
  friend class BlobStore;
  BlobUpload(BlobStore& store, std::string sha256, int64_t size_bytes);

  BlobStore& store_;
  const std::string sha256_;
  const int64_t size_bytes_;
  int64_t received_bytes_ = 0;
  bool complete_ = false;  // nothing to do
  Sha256 hash_;
  std::unique_ptr<OutputFile> file_;
};

// A blob read from a place to its end. The store must outlive it.
class BlobReader {
 public:
  ~BlobReader();
  BlobReader(const BlobReader&) = delete;
  BlobReader& operator=(const BlobReader&) = delete;

  // The next bytes, at most max_bytes; "" at the end. DamagedBlob (core/errors.h) where the
  // disk does not give the bytes, and, of a blob read from byte 0, at the end where the hash
  // is wrong; the blob is then set aside.
  absl::StatusOr<std::string> Read(int64_t max_bytes);
  int64_t size_bytes() const { return size_bytes_; }

 private:
  friend class BlobStore;
  BlobReader(BlobStore& store, std::string sha256, int fd)
      : store_(store), sha256_(std::move(sha256)), fd_(fd) {}
  absl::Status CheckWhole();
  absl::Status SetAside(const std::string& why);

  BlobStore& store_;
  const std::string sha256_;
  const int fd_;
  int64_t size_bytes_ = 0;
  bool from_beginning_ = true;
  Sha256 hash_;
};

class BlobStore {
 public:
  // Space that uploads never use, so that the database can always write.
  static constexpr int64_t kReservedBytes = 16 << 20;

  // Makes the folders under `dir`, which must be on one volume.
  static absl::StatusOr<std::unique_ptr<BlobStore>> Open(const std::string& dir);

  // INVALID_ARGUMENT for what is no SHA-256 in hex. Takes a blob back from the trash.
  absl::StatusOr<BlobStatus> Stat(const std::string& sha256);

  // `offset`: 0, or at most received_bytes of Stat; what was kept beyond it is dropped.
  // ABORTED: another upload of this blob is under way. RESOURCE_EXHAUSTED: not enough
  // room, with the numbers. The store must outlive the upload.
  absl::StatusOr<std::unique_ptr<BlobUpload>> BeginUpload(const std::string& sha256,
                                                          int64_t size_bytes, int64_t offset);

  // NOT_FOUND, DamagedBlob for one that was set aside, or OUT_OF_RANGE for an offset beyond
  // the end.
  absl::StatusOr<std::unique_ptr<BlobReader>> OpenForReading(const std::string& sha256,
                                                             int64_t offset = 0);

  // Where a complete blob lies.
  std::string Path(const std::string& sha256) const;

  // OK where every file's blob is complete and has the size stated; else
  // FAILED_PRECONDITION with a field error per file, "FIELD[2]".
  absl::Status CheckPresent(const std::vector<FileEntry>& files, const std::string& field);

  // Those of the files whose blob is not there, was set aside, or has another size.
  std::vector<FileEntry> Harmed(const std::vector<FileEntry>& files);
  // Whether every file's blob is there, whole as far as is known: for choosing a checkpoint
  // to go on from, or a job whose inputs can be read. Looks at sizes, reads nothing.
  bool AreGood(const std::vector<FileEntry>& files) { return Harmed(files).empty(); }

  // Reads the whole blob. DamagedBlob where its hash is wrong, or where it was set aside
  // before; NOT_FOUND.
  absl::Status Verify(const std::string& sha256);
  // The same, unless this process has received or verified it already.
  absl::Status VerifyOnce(const std::string& sha256);
  // Something refers to the blob: where it is not there, that is damage too.
  void NoteGone(const std::string& sha256);
  // Every blob that is set aside or gone, and has not come again since, with the reason.
  std::map<std::string, std::string> Damaged();

  // Moves a blob that nothing refers to, as the caller knows, into the trash, from where it
  // comes back if it is asked for. OK where it is gone already.
  absl::Status Discard(const std::string& sha256);
  const BlobTrash& trash() const { return trash_; }
  // Every complete blob, sorted.
  absl::StatusOr<std::vector<std::string>> ListBlobs();
  // Left uploads last written before `time`, by wall clock: only what was sent is lost.
  absl::Status RemoveUploadsBefore(absl::Time time);

  // Held shared while a reference to blobs is being made (from CheckPresent to the
  // commit), exclusive while blobs without references are removed: so none is removed
  // that somebody is about to refer to.
  absl::Mutex& references() ABSL_LOCK_RETURNED(references_) { return references_; }

  const std::string& dir() const { return dir_; }

 private:
  friend class BlobReader;
  friend class BlobUpload;
  BlobStore(std::string dir, std::unique_ptr<BlobQuarantine> quarantine)
      : dir_(std::move(dir)), quarantine_(std::move(quarantine)), trash_(JoinPath(dir_, "trash")) {}
  std::string UploadPath(const std::string& sha256) const;
  absl::Status CheckRoom(int64_t bytes_to_come);
  absl::Status Continue(BlobUpload& upload);
  absl::StatusOr<std::unique_ptr<BlobReader>> OpenComplete(const std::string& sha256);
  void ForgetMended();
  // The size of a complete blob, which is taken back from the trash where it lies there.
  absl::StatusOr<int64_t> SizeOf(const std::string& sha256);
  // Of the file that a reader has open, and only where it still lies under its name.
  absl::Status SetAside(const std::string& sha256, int fd, const std::string& why);
  void MarkVerified(const std::string& sha256);
  void EndUpload(const std::string& sha256);

  const std::string dir_;
  const std::unique_ptr<BlobQuarantine> quarantine_;
  const BlobTrash trash_;
  absl::Mutex references_;
  absl::Mutex mutex_;
  absl::flat_hash_set<std::string> verified_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_set<std::string> uploading_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tune::server
