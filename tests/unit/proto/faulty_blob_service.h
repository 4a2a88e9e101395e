// A BlobService on a real server, its blobs in memory, that can be told to break streams
// in the ways a network or a disk does. (The real one is tested with BlobClient under
// server/rpc.)
#pragma once

#include <grpcpp/grpcpp.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "proto/wire/transport.h"
#include "tune/v1/registry.grpc.pb.h"

namespace tune::testing {

class FaultyBlobService : public v1::BlobService::Service {
 public:
  // What is told of a transfer, one entry per stream, used up from the front.
  struct Fault {
    int64_t break_after_bytes = -1;  // UNAVAILABLE once this many bytes of it went through
    bool flip_chunk = false;         // the first chunk's data is not what its hash says
    grpc::Status status{};           // answered at once
  };
  std::vector<Fault> faults;
  std::map<std::string, std::string> blobs;     // complete
  std::map<std::string, std::string> received;  // partial
  std::vector<int64_t> offsets;                 // of every stream, as asked

  grpc::Status StatBlobs(grpc::ServerContext*, const v1::StatBlobsRequest* request,
                         v1::StatBlobsResponse* response) override;
  grpc::Status UploadBlob(grpc::ServerContext*, grpc::ServerReader<v1::UploadBlobRequest>* reader,
                          v1::UploadBlobResponse* response) override;
  grpc::Status DownloadBlob(grpc::ServerContext*, const v1::DownloadBlobRequest* request,
                            grpc::ServerWriter<v1::DownloadBlobResponse>* writer) override;

 private:
  Fault NextFault();
};

// `service` on a free loopback port while this lives.
class LoopbackServer {
 public:
  explicit LoopbackServer(grpc::Service& service, const TransportOptions& options = {});
  ~LoopbackServer();
  const std::string& address() const { return address_; }
  std::shared_ptr<grpc::Channel> channel() const;

 private:
  std::string address_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace tune::testing
