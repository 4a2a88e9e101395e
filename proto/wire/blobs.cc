#include "proto/wire/blobs.h"

#include <algorithm>
#include <fstream>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/sha256.h"
#include "base/status.h"
#include "proto/wire/status.h"
#include "proto/wire/transport.h"

namespace tune {
namespace {

constexpr int kMaxTries = 6;  // the first and five more
constexpr absl::Duration kFirstBackoff = absl::Milliseconds(200);
constexpr absl::Duration kStatTimeout = absl::Seconds(30);
// A transfer slower than this is a dead one.
constexpr absl::Duration kTransferBase = absl::Minutes(2);
constexpr int64_t kMinBytesPerSecond = 256 << 10;

// One upload or download under way.
struct Transfer {
  std::string path;
  std::string sha256;
  int64_t size = 0;
  int64_t done = 0;       // sent, or received and verified
  int64_t confirmed = 0;  // of those, what the next try need not repeat
  const TransferProgress& progress;

  void Begin(int64_t held) {
    done = held;
    confirmed = std::max(confirmed, held);
    Advance(0);
  }
  void Advance(int64_t bytes) {
    done += bytes;
    if (progress) progress(done, size);
  }
};

bool IsRetryable(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kDeadlineExceeded:
      return true;
    case absl::StatusCode::kDataLoss:  // of what was sent, unless the scheduler's disk lost it
      return ReasonOf(status) != kBlobDamaged;
    case absl::StatusCode::kResourceExhausted:  // a full disk stays full
      return ReasonOf(status) == kOverloaded;
    default:
      return false;
  }
}

absl::Duration TransferTimeout(int64_t bytes) {
  return kTransferBase + absl::Seconds(bytes / kMinBytesPerSecond);
}

// Repeats `once` after retryable errors, the pause doubling; begins to count anew when the
// other side turns out to have more than before.
absl::Status Retry(Transfer& transfer, const std::function<void(absl::Duration)>& sleep,
                   const std::function<absl::Status()>& once) {
  absl::Status status;
  absl::Duration backoff = kFirstBackoff;
  for (int tries = 0; tries < kMaxTries; ++tries) {
    if (tries > 0) sleep(std::exchange(backoff, backoff * 2));
    const int64_t before = transfer.confirmed;
    status = once();
    if (!IsRetryable(status)) return status;
    if (transfer.confirmed > before && tries > 0) tries = 0, backoff = kFirstBackoff;
  }
  return status;
}

std::string RawSha256(absl::string_view bytes) { return absl::HexStringToBytes(Sha256Hex(bytes)); }

absl::StatusOr<std::string> ReadPiece(std::ifstream& file, const Transfer& transfer) {
  std::string piece(std::min<int64_t>(kChunkBytes, transfer.size - transfer.done), '\0');
  file.read(piece.data(), static_cast<std::streamsize>(piece.size()));
  if (file) return piece;
  return absl::FailedPreconditionError(
      absl::StrCat(transfer.path, ": shorter than the ", transfer.size,
                   " bytes it had; it changed while it was being sent"));
}

// Sends the file from transfer.done on; false where the stream broke, whose Finish
// then says why.
absl::StatusOr<bool> SendChunks(grpc::ClientWriter<v1::UploadBlobRequest>& stream,
                                Transfer& transfer) {
  std::ifstream file(transfer.path, std::ios::binary);
  if (!file) return ErrnoStatus(transfer.path, "open");
  file.seekg(transfer.done);
  while (transfer.done < transfer.size) {
    ASSIGN_OR_RETURN(std::string piece, ReadPiece(file, transfer));
    const auto bytes = static_cast<int64_t>(piece.size());
    v1::UploadBlobRequest request;
    request.mutable_chunk()->set_sha256(RawSha256(piece));
    request.mutable_chunk()->set_data(std::move(piece));
    if (!stream.Write(request)) return false;
    transfer.Advance(bytes);
  }
  return true;
}

absl::Status SendStream(v1::BlobService::Stub& stub, Transfer& transfer) {
  const auto context = MakeContext(TransferTimeout(transfer.size));
  v1::UploadBlobResponse response;
  const auto stream = stub.UploadBlob(context.get(), &response);
  v1::UploadBlobRequest request;
  request.mutable_header()->set_sha256(transfer.sha256);
  request.mutable_header()->set_size_bytes(transfer.size);
  request.mutable_header()->set_offset(transfer.done);
  const bool open = stream->Write(request);
  const absl::StatusOr<bool> sent = open ? SendChunks(*stream, transfer) : false;
  if (!sent.ok()) context->TryCancel();
  if (sent.ok() && *sent) stream->WritesDone();
  const absl::Status finished = FromGrpcStatus(stream->Finish());
  return sent.ok() ? finished : sent.status();
}

absl::Status UploadOnce(v1::BlobService::Stub& stub, Transfer& transfer) {
  v1::StatBlobsRequest request;
  v1::StatBlobsResponse response;
  request.add_sha256(transfer.sha256);
  RETURN_IF_ERROR(
      FromGrpcStatus(stub.StatBlobs(MakeContext(kStatTimeout).get(), request, &response)));
  if (response.blobs_size() != 1) return absl::InternalError("StatBlobs: no answer for the blob");
  const auto& blob = response.blobs(0);
  transfer.Begin(blob.complete() ? transfer.size : std::min(blob.received_bytes(), transfer.size));
  return blob.complete() ? absl::OkStatus() : SendStream(stub, transfer);
}

// Hash over what an earlier download left in `part`, and how much that is.
absl::StatusOr<Sha256> TakeUpPart(const std::string& part, Transfer& transfer) {
  Sha256 hash;
  int64_t held = Exists(part) ? FileSize(part).value_or(0) : 0;
  if (held > transfer.size) {
    RETURN_IF_ERROR(RemoveAll(part));
    held = 0;
  }
  transfer.Begin(held);
  if (held == 0) return hash;
  std::ifstream file(part, std::ios::binary);
  std::string piece(kChunkBytes, '\0');
  while (file.read(piece.data(), kChunkBytes), file.gcount() > 0) {
    hash.Update(absl::string_view(piece.data(), static_cast<size_t>(file.gcount())));
  }
  return hash;
}

absl::Status CheckChunk(const v1::Chunk& chunk, const Transfer& transfer) {
  if (RawSha256(chunk.data()) != chunk.sha256()) {
    return absl::DataLossError(
        absl::StrCat("blob ", transfer.sha256, ": wrong hash of the chunk at ", transfer.done));
  }
  if (transfer.done + static_cast<int64_t>(chunk.data().size()) > transfer.size) {
    return absl::DataLossError(
        absl::StrCat("blob ", transfer.sha256, ": longer than its ", transfer.size, " bytes"));
  }
  return absl::OkStatus();
}

absl::Status ReceiveStream(v1::BlobService::Stub& stub, OutputFile& file, Sha256& hash,
                           Transfer& transfer) {
  const auto context = MakeContext(TransferTimeout(transfer.size));
  v1::DownloadBlobRequest request;
  request.set_sha256(transfer.sha256);
  request.set_offset(transfer.done);
  const auto stream = stub.DownloadBlob(context.get(), request);
  v1::DownloadBlobResponse response;
  absl::Status status;
  while (status.ok() && stream->Read(&response)) {
    status = CheckChunk(response.chunk(), transfer);
    if (status.ok()) status = file.Write(response.chunk().data());
    if (!status.ok()) break;
    hash.Update(response.chunk().data());
    transfer.Advance(static_cast<int64_t>(response.chunk().data().size()));
  }
  if (!status.ok()) context->TryCancel();
  const absl::Status finished = FromGrpcStatus(stream->Finish());
  return status.ok() ? finished : status;
}

absl::Status CheckWhole(const std::string& part, Sha256& hash, Transfer& transfer) {
  if (transfer.done < transfer.size) {
    return absl::DataLossError(absl::StrCat("blob ", transfer.sha256, ": ended at byte ",
                                            transfer.done, " of ", transfer.size));
  }
  if (hash.Finish() == transfer.sha256) return absl::OkStatus();
  // The chunks were right, so what was wrong is the part taken up: from the beginning.
  RETURN_IF_ERROR(RemoveAll(part));
  return absl::DataLossError(absl::StrCat("blob ", transfer.sha256, ": wrong hash of the whole"));
}

absl::Status DownloadOnce(v1::BlobService::Stub& stub, const std::string& part,
                          Transfer& transfer) {
  ASSIGN_OR_RETURN(Sha256 hash, TakeUpPart(part, transfer));
  ASSIGN_OR_RETURN(const auto file, OutputFile::Open(part, /*append=*/true));
  if (transfer.done < transfer.size) {
    RETURN_IF_ERROR(ReceiveStream(stub, *file, hash, transfer));
  }
  RETURN_IF_ERROR(file->Sync());
  return CheckWhole(part, hash, transfer);
}

}  // namespace

BlobClient::BlobClient(std::shared_ptr<grpc::ChannelInterface> channel,
                       std::function<void(absl::Duration)> sleep)
    : stub_(v1::BlobService::NewStub(std::move(channel))), sleep_(std::move(sleep)) {}

absl::Status BlobClient::Upload(const std::string& path, const std::string& sha256,
                                int64_t size_bytes, const TransferProgress& progress) {
  Transfer transfer{.path = path, .sha256 = sha256, .size = size_bytes, .progress = progress};
  return Annotate(Retry(transfer, sleep_, [&] { return UploadOnce(*stub_, transfer); }),
                  absl::StrCat("upload ", path));
}

absl::Status BlobClient::Download(const std::string& sha256, int64_t size_bytes,
                                  const std::string& path, const TransferProgress& progress) {
  const std::string part = path + ".part";
  Transfer transfer{.path = path, .sha256 = sha256, .size = size_bytes, .progress = progress};
  RETURN_IF_ERROR(
      Annotate(Retry(transfer, sleep_, [&] { return DownloadOnce(*stub_, part, transfer); }),
               absl::StrCat("download ", path)));
  return RenameDurably(part, path);
}

}  // namespace tune
