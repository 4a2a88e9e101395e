// The BlobService of a scripted scheduler: its blobs are in memory, and it can be told to break
// streams in the ways a network or a disk does.
#pragma once

#include <grpcpp/grpcpp.h>

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "tune/v1/registry.grpc.pb.h"

namespace tune::testing {

class ScriptedBlobs : public v1::BlobService::Service {
 public:
  // What befalls one stream.
  struct Fault {
    int64_t after_bytes = -1;  // of the stream, it ends with `status`; -1: it does not
    grpc::Status status{grpc::StatusCode::UNAVAILABLE, "connection reset"};
    bool flip_chunk = false;  // the first chunk's data is not what its hash says
  };
  std::deque<Fault> faults;                     // one for each stream, used up from the front
  std::map<std::string, std::string> blobs;     // complete, by their SHA-256
  std::map<std::string, std::string> received;  // partial
  std::vector<int64_t> offsets;                 // of every stream, as asked

  // Holds `content` from now on; its entry, as a file of that path.
  v1::FileEntry Put(const std::string& path, const std::string& content);

  grpc::Status StatBlobs(grpc::ServerContext*, const v1::StatBlobsRequest* request,
                         v1::StatBlobsResponse* response) override;
  grpc::Status UploadBlob(grpc::ServerContext*, grpc::ServerReader<v1::UploadBlobRequest>* reader,
                          v1::UploadBlobResponse* response) override;
  grpc::Status DownloadBlob(grpc::ServerContext*, const v1::DownloadBlobRequest* request,
                            grpc::ServerWriter<v1::DownloadBlobResponse>* writer) override;

 private:
  Fault NextFault();
};

}  // namespace tune::testing
