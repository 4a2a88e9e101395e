#include "server/rpc/blob_streams.h"

#include "absl/strings/escaping.h"
#include "base/sha256.h"
#include "base/status.h"
#include "proto/wire/transport.h"

namespace tune::server {

UploadStream::UploadStream(BlobStore& blobs, const CallRuntime& runtime,
                           prometheus::Counter& uploaded, grpc::CallbackServerContext* context,
                           v1::UploadBlobResponse* response)
    : blobs_(blobs),
      uploaded_(uploaded),
      context_(context),
      response_(*response),
      pump_(std::make_shared<Pump>(runtime.streams, [this] { return Step(); })),
      events_(pump_, CallDeadline(*context, runtime.clock, kMaxStreamTime), /*drain=*/nullptr) {
  if (pump_->Start()) {
    StartRead(&message_);
  } else {
    End(Overloaded());
  }
}

void UploadStream::OnReadDone(bool ok) {
  ended_ = !ok;
  arrived_ = true;
  pump_->Poke();
}

Pump::Next UploadStream::Step() {
  if (absl::Status why = WhyEnd(*pump_); !why.ok()) return End(why);
  if (!arrived_.exchange(false)) return Pump::Next::kWait;
  if (ended_) return End(Complete());
  if (absl::Status taken = TakeMessage(); !taken.ok()) return End(taken);
  StartRead(&message_);
  return Pump::Next::kWait;
}

absl::Status UploadStream::TakeMessage() {
  if (message_.has_header()) return Begin(message_.header());
  if (message_.has_chunk()) return Append(message_.chunk());
  return absl::InvalidArgumentError("a message of an upload holds a header or a chunk");
}

absl::Status UploadStream::Begin(const v1::UploadBlobRequest::Header& header) {
  if (upload_) return absl::InvalidArgumentError("header: only in the first message");
  sha256_ = header.sha256();
  ASSIGN_OR_RETURN(upload_,
                   blobs_.BeginUpload(header.sha256(), header.size_bytes(), header.offset()));
  return absl::OkStatus();
}

absl::Status UploadStream::Append(const v1::Chunk& chunk) {
  if (!upload_) return absl::InvalidArgumentError("header: must be in the first message");
  if (chunk.data().size() > kChunkBytes) {
    return absl::InvalidArgumentError("chunk: at most 1 MiB");
  }
  RETURN_IF_ERROR(upload_->Append(chunk.data(), chunk.sha256()));
  uploaded_.Increment(static_cast<double>(chunk.data().size()));
  return absl::OkStatus();
}

absl::Status UploadStream::Complete() {
  if (!upload_) return absl::InvalidArgumentError("header: must be in the first message");
  RETURN_IF_ERROR(upload_->Finish());
  response_.set_sha256(sha256_);
  return absl::OkStatus();
}

// This may be gone when it returns.
Pump::Next UploadStream::End(const absl::Status& status) {
  upload_.reset();  // before the answer, which may start the next upload of this blob
  Finish(FinalStatus(*context_, status));
  return Pump::Next::kOver;
}

absl::StatusOr<std::string> DownloadSource::Read() {
  if (!reader_) {
    ASSIGN_OR_RETURN(reader_, blobs_.OpenForReading(request_.sha256(), request_.offset()));
  }
  return reader_->Read(kChunkBytes);
}

absl::StatusOr<Produced> DownloadSource::Next(v1::DownloadBlobResponse& message) {
  absl::StatusOr<std::string> read = Read();
  if (!read.ok()) return registry_.ExplainDamage(read.status(), request_.sha256());
  std::string data = *std::move(read);
  if (data.empty()) return Produced::kEnd;
  downloaded_.Increment(static_cast<double>(data.size()));
  message.mutable_chunk()->set_sha256(absl::HexStringToBytes(Sha256Hex(data)));
  message.mutable_chunk()->set_data(std::move(data));
  return Produced::kMessage;
}

}  // namespace tune::server
