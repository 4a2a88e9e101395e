// tune.v1.BlobService.
#pragma once

#include "prometheus/counter.h"
#include "server/engine/engine.h"
#include "server/rpc/call.h"
#include "tune/v1/registry.grpc.pb.h"

namespace tune::server {

// Bytes that went through, for the metrics.
struct TransferCounters {
  prometheus::Counter& uploaded;
  prometheus::Counter& downloaded;
};

class BlobService : public v1::BlobService::CallbackService {
 public:
  BlobService(Engine& engine, const CallRuntime& runtime, const TransferCounters& counters)
      : blobs_(engine.blobs()),
        registry_(engine.registry()),
        runtime_(runtime),
        counters_(counters) {}

  grpc::ServerUnaryReactor* StatBlobs(grpc::CallbackServerContext* context,
                                      const v1::StatBlobsRequest* request,
                                      v1::StatBlobsResponse* response) override;
  grpc::ServerReadReactor<v1::UploadBlobRequest>* UploadBlob(
      grpc::CallbackServerContext* context, v1::UploadBlobResponse* response) override;
  grpc::ServerWriteReactor<v1::DownloadBlobResponse>* DownloadBlob(
      grpc::CallbackServerContext* context, const v1::DownloadBlobRequest* request) override;

 private:
  BlobStore& blobs_;
  Registry& registry_;
  const CallRuntime runtime_;
  const TransferCounters counters_;
};

}  // namespace tune::server
