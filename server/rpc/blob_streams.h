// Blobs over streams, one chunk in flight: the next is asked of gRPC, or given to it, only
// when the disk is done with the one before.
#pragma once

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <memory>

#include "prometheus/counter.h"
#include "server/engine/blobs.h"
#include "server/engine/registry.h"
#include "server/rpc/call.h"
#include "server/rpc/write_stream.h"
#include "tune/v1/registry.pb.h"

namespace tune::server {

// What came before a stream broke stays in the store, to be continued.
class UploadStream : public grpc::ServerReadReactor<v1::UploadBlobRequest> {
 public:
  // Deletes itself when the call is done.
  UploadStream(BlobStore& blobs, const CallRuntime& runtime, prometheus::Counter& uploaded,
               grpc::CallbackServerContext* context, v1::UploadBlobResponse* response);

  void OnReadDone(bool ok) override;
  void OnCancel() override { pump_->Cancel(); }
  void OnDone() override { delete this; }

 private:
  Pump::Next Step();
  absl::Status TakeMessage();
  absl::Status Begin(const v1::UploadBlobRequest::Header& header);
  absl::Status Append(const v1::Chunk& chunk);
  absl::Status Complete();
  Pump::Next End(const absl::Status& status);

  BlobStore& blobs_;
  prometheus::Counter& uploaded_;
  grpc::CallbackServerContext* const context_;
  v1::UploadBlobResponse& response_;
  const std::shared_ptr<Pump> pump_;
  CallEvents events_;
  std::unique_ptr<BlobUpload> upload_;
  std::string sha256_;
  v1::UploadBlobRequest message_;
  std::atomic<bool> arrived_ = false;  // a read is done that the step has not seen
  std::atomic<bool> ended_ = false;    // and it was the stream's end
};

class DownloadSource : public StreamSource<v1::DownloadBlobResponse> {
 public:
  DownloadSource(BlobStore& blobs, Registry& registry, const v1::DownloadBlobRequest& request,
                 prometheus::Counter& downloaded)
      : blobs_(blobs), registry_(registry), request_(request), downloaded_(downloaded) {}
  absl::StatusOr<Produced> Next(v1::DownloadBlobResponse& message) override;

 private:
  absl::StatusOr<std::string> Read();

  BlobStore& blobs_;
  Registry& registry_;
  const v1::DownloadBlobRequest request_;
  prometheus::Counter& downloaded_;
  std::unique_ptr<BlobReader> reader_;
};

}  // namespace tune::server
