#include "server/engine/blobs.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/field_errors.h"
#include "base/log.h"
#include "base/status.h"
#include "server/core/errors.h"

namespace tune::server {
namespace {

constexpr int64_t kReadBytes = 1 << 20;

absl::Status CheckHash(const std::string& sha256) {
  if (IsSha256Hex(sha256)) return absl::OkStatus();
  FieldErrors errors;
  errors.Add("sha256", absl::StrCat("must be 64 lower-case hex digits, got \"",
                                    absl::CHexEscape(sha256.substr(0, 80)), "\""));
  return errors.ToStatus("blob");
}

absl::Status NoBlob(const std::string& sha256) {
  return absl::NotFoundError(absl::StrCat("there is no blob ", sha256));
}

// The folder "ab" of a blob's path, durably.
absl::Status MakeFolderOf(const std::string& path) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  if (Exists(folder.string())) return absl::OkStatus();
  RETURN_IF_ERROR(CreateDirectories(folder.string()));
  return SyncDirectory(folder.parent_path().string());
}

absl::StatusOr<absl::Time> WriteTime(const std::string& path) {
  struct stat info;
  if (stat(path.c_str(), &info) != 0) return ErrnoStatus(path, "stat");
  return absl::TimeFromTimespec(info.st_mtim);
}

// At most max_bytes; "" at the end of the file.
absl::StatusOr<std::string> ReadSome(int fd, const std::string& path, int64_t max_bytes) {
  std::string bytes(static_cast<size_t>(max_bytes), '\0');
  ssize_t count;
  do {
    count = read(fd, bytes.data(), bytes.size());
  } while (count < 0 && errno == EINTR);
  if (count < 0) return ErrnoStatus(path, "read");
  bytes.resize(static_cast<size_t>(count));
  return bytes;
}

// The hash of a partial file's first `size_bytes`, to be continued.
absl::StatusOr<Sha256> HashBeginning(const std::string& path, int64_t size_bytes) {
  ASSIGN_OR_RETURN(const int fd, OpenRegularFile(path));
  const absl::Cleanup close_file = [fd] { close(fd); };
  Sha256 hash;
  for (int64_t left = size_bytes; left > 0;) {
    ASSIGN_OR_RETURN(const std::string bytes, ReadSome(fd, path, std::min(left, kReadBytes)));
    if (bytes.empty()) return absl::DataLossError("the partial upload became shorter");
    hash.Update(bytes);
    left -= static_cast<int64_t>(bytes.size());
  }
  return hash;
}

bool IsSameFile(int fd, const std::string& path) {
  struct stat open_file, file;
  return fstat(fd, &open_file) == 0 && stat(path.c_str(), &file) == 0 &&
         open_file.st_dev == file.st_dev && open_file.st_ino == file.st_ino;
}

absl::Status DamagedOnDisk(const std::string& sha256, const std::string& why) {
  return DamagedBlob(absl::StrCat("blob ", sha256, " is damaged on the scheduler's disk: ", why));
}

}  // namespace

BlobUpload::BlobUpload(BlobStore& store, std::string sha256, int64_t size_bytes)
    : store_(store), sha256_(std::move(sha256)), size_bytes_(size_bytes) {}

BlobUpload::~BlobUpload() {
  file_.reset();
  store_.EndUpload(sha256_);
}

absl::Status BlobUpload::Append(absl::string_view chunk, absl::string_view chunk_sha256) {
  const int64_t size = static_cast<int64_t>(chunk.size());
  if (absl::BytesToHexString(chunk_sha256) != Sha256Hex(chunk)) {
    return absl::DataLossError(absl::StrCat("blob ", sha256_, ": the chunk at byte ",
                                            received_bytes_,
                                            " does not match its hash; send it "
                                            "again from there"));
  }
  if (received_bytes_ + size > size_bytes_) {
    return absl::OutOfRangeError(
        absl::StrCat("blob ", sha256_, ": more than the ", size_bytes_, " bytes announced"));
  }
  if (!complete_) {
    const absl::Status written = file_->Write(chunk);
    if (absl::IsResourceExhausted(written)) return Annotate(written, "free space, then go on");
    RETURN_IF_ERROR(written);
    hash_.Update(chunk);
  }
  received_bytes_ += size;
  return absl::OkStatus();
}

absl::Status BlobUpload::Finish() {
  if (complete_) return absl::OkStatus();
  if (received_bytes_ != size_bytes_) {
    return absl::InvalidArgumentError(absl::StrCat("blob ", sha256_, ": ", received_bytes_, " of ",
                                                   size_bytes_, " bytes came; send the rest"));
  }
  const std::string hash = hash_.Finish();
  if (hash != sha256_) {
    (void)RemoveAll(store_.UploadPath(sha256_));
    return absl::DataLossError(absl::StrCat("blob ", sha256_, ": what came has the hash ", hash,
                                            "; it was thrown away, send it again from byte 0"));
  }
  RETURN_IF_ERROR(file_->Sync());
  RETURN_IF_ERROR(MakeFolderOf(store_.Path(sha256_)));
  RETURN_IF_ERROR(RenameDurably(store_.UploadPath(sha256_), store_.Path(sha256_)));
  store_.MarkVerified(sha256_);
  if (store_.quarantine_->Forget(sha256_)) {
    spdlog::info("a damaged blob is whole again sha256={}", sha256_);
  }
  complete_ = true;
  return absl::OkStatus();
}

BlobReader::~BlobReader() { close(fd_); }

absl::StatusOr<std::string> BlobReader::Read(int64_t max_bytes) {
  absl::StatusOr<std::string> bytes = ReadSome(fd_, store_.Path(sha256_), max_bytes);
  if (!bytes.ok()) return SetAside(std::string(bytes.status().message()));
  if (!from_beginning_) return bytes;
  hash_.Update(*bytes);
  if (bytes->empty()) RETURN_IF_ERROR(CheckWhole());
  return bytes;
}

absl::Status BlobReader::CheckWhole() {
  from_beginning_ = false;  // the hash is taken once
  const std::string hash = hash_.Finish();
  if (hash != sha256_) return SetAside(absl::StrCat("its content has the hash ", hash));
  store_.MarkVerified(sha256_);
  return absl::OkStatus();
}

absl::Status BlobReader::SetAside(const std::string& why) {
  RETURN_IF_ERROR(store_.SetAside(sha256_, fd_, why));
  return DamagedOnDisk(sha256_, why);
}

absl::StatusOr<std::unique_ptr<BlobStore>> BlobStore::Open(const std::string& dir) {
  RETURN_IF_ERROR(CreateDirectories(JoinPath(dir, "blobs/sha256")));
  RETURN_IF_ERROR(CreateDirectories(JoinPath(dir, "uploads")));
  ASSIGN_OR_RETURN(auto quarantine, BlobQuarantine::Open(JoinPath(dir, "quarantine")));
  RETURN_IF_ERROR(SyncDirectory(JoinPath(dir, "blobs")));
  RETURN_IF_ERROR(SyncDirectory(dir));
  std::unique_ptr<BlobStore> store(new BlobStore(dir, std::move(quarantine)));
  store->ForgetMended();
  return store;
}

// Of a scheduler that was killed after the content had come again, or where a person brought it
// back.
void BlobStore::ForgetMended() {
  for (const auto& [sha256, why] : quarantine_->Damaged()) {
    if (Exists(Path(sha256))) quarantine_->Forget(sha256);
  }
}

void BlobStore::NoteGone(const std::string& sha256) {
  if (absl::IsNotFound(SizeOf(sha256).status())) quarantine_->NoteGone(sha256);
}

std::map<std::string, std::string> BlobStore::Damaged() {
  ForgetMended();
  return quarantine_->Damaged();
}

absl::Status BlobStore::SetAside(const std::string& sha256, int fd, const std::string& why) {
  if (!IsSameFile(fd, Path(sha256))) return absl::OkStatus();  // it has come again since
  return quarantine_->Take(Path(sha256), sha256, why);
}

void BlobStore::MarkVerified(const std::string& sha256) {
  absl::MutexLock lock(&mutex_);
  verified_.insert(sha256);
}

std::string BlobStore::Path(const std::string& sha256) const {
  return absl::StrCat(dir_, "/blobs/sha256/", sha256.substr(0, 2), "/", sha256);
}

std::string BlobStore::UploadPath(const std::string& sha256) const {
  return absl::StrCat(dir_, "/uploads/", sha256);
}

absl::StatusOr<int64_t> BlobStore::SizeOf(const std::string& sha256) {
  const std::string path = Path(sha256);
  if (!Exists(path)) (void)trash_.TakeBack(sha256, path);
  return FileSize(path);
}

absl::StatusOr<BlobStatus> BlobStore::Stat(const std::string& sha256) {
  RETURN_IF_ERROR(CheckHash(sha256));
  BlobStatus status;
  if (const auto size = SizeOf(sha256); size.ok()) {
    status.complete = true;
    status.size_bytes = status.received_bytes = *size;
  } else {
    status.received_bytes = FileSize(UploadPath(sha256)).value_or(0);
  }
  return status;
}

absl::Status BlobStore::CheckRoom(int64_t bytes_to_come) {
  RETURN_IF_ERROR(trash_.MakeRoom(bytes_to_come + kReservedBytes));
  ASSIGN_OR_RETURN(const int64_t free_bytes, FreeBytes(dir_));
  if (bytes_to_come + kReservedBytes <= free_bytes) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat(dir_, ": the upload needs ", bytes_to_come,
                                                   " bytes, and of the ", free_bytes,
                                                   " bytes free on this volume ", kReservedBytes,
                                                   " are kept for the database; free space there"));
}

absl::StatusOr<std::unique_ptr<BlobUpload>> BlobStore::BeginUpload(const std::string& sha256,
                                                                   int64_t size_bytes,
                                                                   int64_t offset) {
  RETURN_IF_ERROR(CheckHash(sha256));
  {
    absl::MutexLock lock(&mutex_);
    if (!uploading_.insert(sha256).second) {
      return absl::AbortedError(
          absl::StrCat("another upload of blob ", sha256, " is under way; try again later"));
    }
  }
  // From here on the upload's destructor takes the hash off the list.
  std::unique_ptr<BlobUpload> upload(new BlobUpload(*this, sha256, size_bytes));
  ASSIGN_OR_RETURN(BlobStatus status, Stat(sha256));
  if (status.complete && status.size_bytes != size_bytes && IsDamagedBlob(Verify(sha256))) {
    status = BlobStatus();  // it was cut short, and comes anew
  }
  if (size_bytes < 0 || (status.complete && status.size_bytes != size_bytes)) {
    return absl::InvalidArgumentError(
        absl::StrCat("blob ", sha256, " cannot have ", size_bytes, " bytes"));
  }
  if (offset < 0 || offset > std::min(status.received_bytes, size_bytes)) {
    return absl::OutOfRangeError(absl::StrCat("blob ", sha256, ": cannot go on from byte ", offset,
                                              ", ", status.received_bytes, " are held"));
  }
  upload->received_bytes_ = offset;
  upload->complete_ = status.complete;
  if (!status.complete) RETURN_IF_ERROR(Continue(*upload));
  return upload;
}

absl::Status BlobStore::Continue(BlobUpload& upload) {
  RETURN_IF_ERROR(CheckRoom(upload.size_bytes_ - upload.received_bytes_));
  const std::string path = UploadPath(upload.sha256_);
  if (upload.received_bytes_ > 0) {
    ASSIGN_OR_RETURN(upload.hash_, HashBeginning(path, upload.received_bytes_));
    if (truncate(path.c_str(), upload.received_bytes_) != 0) return ErrnoStatus(path, "truncate");
  }
  ASSIGN_OR_RETURN(upload.file_, OutputFile::Open(path, upload.received_bytes_ > 0));
  return absl::OkStatus();
}

void BlobStore::EndUpload(const std::string& sha256) {
  absl::MutexLock lock(&mutex_);
  uploading_.erase(sha256);
}

absl::StatusOr<std::unique_ptr<BlobReader>> BlobStore::OpenComplete(const std::string& sha256) {
  RETURN_IF_ERROR(CheckHash(sha256));
  (void)SizeOf(sha256);  // back from the trash
  const int fd = open(Path(sha256).c_str(), O_RDONLY | O_CLOEXEC);
  // Of the scheduler's disk, whatever it is: for who asks it may go better later.
  if (fd < 0 && errno != ENOENT) {
    return absl::UnavailableError(ErrnoStatus(Path(sha256), "open").message());
  }
  if (fd >= 0) return std::unique_ptr<BlobReader>(new BlobReader(*this, sha256, fd));
  if (const auto why = quarantine_->WhyDamaged(sha256)) return DamagedOnDisk(sha256, *why);
  return NoBlob(sha256);
}

absl::StatusOr<std::unique_ptr<BlobReader>> BlobStore::OpenForReading(const std::string& sha256,
                                                                      int64_t offset) {
  ASSIGN_OR_RETURN(auto reader, OpenComplete(sha256));
  ASSIGN_OR_RETURN(reader->size_bytes_, FileSize(Path(sha256)));
  if (offset < 0 || offset > reader->size_bytes_) {
    return absl::OutOfRangeError(absl::StrCat("blob ", sha256, " has ", reader->size_bytes_,
                                              " bytes; cannot begin at ", offset));
  }
  if (lseek(reader->fd_, offset, SEEK_SET) < 0) return ErrnoStatus(Path(sha256), "seek");
  reader->from_beginning_ = offset == 0;
  return reader;
}

std::vector<FileEntry> BlobStore::Harmed(const std::vector<FileEntry>& files) {
  std::vector<FileEntry> harmed;
  for (const FileEntry& file : files) {
    const BlobStatus status = Stat(file.sha256).value_or(BlobStatus());
    if (!status.complete || status.size_bytes != file.size_bytes) harmed.push_back(file);
  }
  return harmed;
}

absl::Status BlobStore::Verify(const std::string& sha256) {
  ASSIGN_OR_RETURN(const auto reader, OpenForReading(sha256));
  while (true) {
    ASSIGN_OR_RETURN(const std::string bytes, reader->Read(kReadBytes));
    if (bytes.empty()) return absl::OkStatus();
  }
}

absl::Status BlobStore::VerifyOnce(const std::string& sha256) {
  {
    absl::MutexLock lock(&mutex_);
    if (verified_.contains(sha256)) return absl::OkStatus();
  }
  return Verify(sha256);
}

absl::Status BlobStore::CheckPresent(const std::vector<FileEntry>& files,
                                     const std::string& field) {
  FieldErrors errors;
  for (size_t i = 0; i < files.size(); ++i) {
    const BlobStatus status = Stat(files[i].sha256).value_or(BlobStatus());
    const std::string at = absl::StrCat(field, "[", i, "]");
    if (!status.complete) {
      errors.Add(at, absl::StrCat(files[i].path, ": its blob ", files[i].sha256,
                                  " is not in the store; upload it first"));
    } else if (status.size_bytes != files[i].size_bytes) {
      errors.Add(at, absl::StrCat(files[i].path, ": its blob has ", status.size_bytes,
                                  " bytes, not ", files[i].size_bytes));
    }
  }
  const absl::Status invalid = errors.ToStatus("files");
  if (invalid.ok()) return invalid;
  absl::Status status = absl::FailedPreconditionError(invalid.message());
  invalid.ForEachPayload(
      [&](absl::string_view url, const absl::Cord& payload) { status.SetPayload(url, payload); });
  return status;
}

absl::Status BlobStore::Discard(const std::string& sha256) {
  RETURN_IF_ERROR(CheckHash(sha256));
  quarantine_->Forget(sha256);
  return trash_.Put(Path(sha256), sha256);
}

absl::StatusOr<std::vector<std::string>> BlobStore::ListBlobs() {
  ASSIGN_OR_RETURN(const std::vector<std::string> paths,
                   ListFilesBelow(JoinPath(dir_, "blobs/sha256")));
  std::vector<std::string> blobs;
  for (const std::string& path : paths) {
    const std::string name = path.substr(path.rfind('/') + 1);
    if (IsSha256Hex(name)) blobs.push_back(name);
  }
  return blobs;
}

absl::Status BlobStore::RemoveUploadsBefore(absl::Time time) {
  const std::string uploads = JoinPath(dir_, "uploads");
  ASSIGN_OR_RETURN(const std::vector<std::string> names, ListDirectory(uploads));
  for (const std::string& name : names) {
    const std::string path = JoinPath(uploads, name);
    if (WriteTime(path).value_or(time) < time) RETURN_IF_ERROR(RemoveAll(path));
  }
  return absl::OkStatus();
}

}  // namespace tune::server
