#include "server/rpc/blob_service.h"

#include "base/status.h"
#include "server/rpc/blob_streams.h"
#include "server/rpc/write_stream.h"

namespace tune::server {
namespace {

constexpr int kMaxStatBlobs = 1000;

absl::StatusOr<v1::StatBlobsResponse> Stat(BlobStore& blobs, const v1::StatBlobsRequest& request) {
  if (request.sha256_size() > kMaxStatBlobs) {
    return absl::InvalidArgumentError("sha256: at most 1000 blobs in one call");
  }
  v1::StatBlobsResponse response;
  for (const std::string& sha256 : request.sha256()) {
    ASSIGN_OR_RETURN(const BlobStatus status, blobs.Stat(sha256));
    auto* blob = response.add_blobs();
    blob->set_sha256(sha256);
    blob->set_complete(status.complete);
    blob->set_received_bytes(status.received_bytes);
  }
  return response;
}

}  // namespace

grpc::ServerUnaryReactor* BlobService::StatBlobs(grpc::CallbackServerContext* context,
                                                 const v1::StatBlobsRequest* request,
                                                 v1::StatBlobsResponse* response) {
  return RunCall(runtime_, context, response, [this, request] { return Stat(blobs_, *request); });
}

grpc::ServerReadReactor<v1::UploadBlobRequest>* BlobService::UploadBlob(
    grpc::CallbackServerContext* context, v1::UploadBlobResponse* response) {
  return new UploadStream(blobs_, runtime_, counters_.uploaded, context, response);
}

grpc::ServerWriteReactor<v1::DownloadBlobResponse>* BlobService::DownloadBlob(
    grpc::CallbackServerContext* context, const v1::DownloadBlobRequest* request) {
  return new WriteStream<v1::DownloadBlobResponse>(
      runtime_, context, /*drain=*/nullptr, [&](const std::function<void()>&) {
        return std::make_unique<DownloadSource>(blobs_, registry_, *request, counters_.downloaded);
      });
}

}  // namespace tune::server
