#include "faulty_blob_service.h"

#include <chrono>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/sha256.h"

namespace tune::testing {
namespace {

const grpc::Status kBroken(grpc::StatusCode::UNAVAILABLE, "connection reset");

bool Broken(const FaultyBlobService::Fault& fault, int64_t bytes) {
  return fault.break_after_bytes >= 0 && bytes >= fault.break_after_bytes;
}

}  // namespace

FaultyBlobService::Fault FaultyBlobService::NextFault() {
  if (faults.empty()) return {};
  Fault fault = faults.front();
  faults.erase(faults.begin());
  return fault;
}

grpc::Status FaultyBlobService::StatBlobs(grpc::ServerContext*, const v1::StatBlobsRequest* request,
                                          v1::StatBlobsResponse* response) {
  for (const std::string& sha256 : request->sha256()) {
    auto* blob = response->add_blobs();
    blob->set_sha256(sha256);
    blob->set_complete(blobs.contains(sha256));
    blob->set_received_bytes(static_cast<int64_t>(received[sha256].size()));
  }
  return grpc::Status::OK;
}

grpc::Status FaultyBlobService::UploadBlob(grpc::ServerContext*,
                                           grpc::ServerReader<v1::UploadBlobRequest>* reader,
                                           v1::UploadBlobResponse* response) {
  const Fault fault = NextFault();
  v1::UploadBlobRequest request;
  if (!reader->Read(&request)) return kBroken;
  const v1::UploadBlobRequest::Header header = request.header();
  offsets.push_back(header.offset());
  if (!fault.status.ok()) return fault.status;
  std::string& held = received[header.sha256()];
  if (header.offset() != static_cast<int64_t>(held.size())) return kBroken;
  while (!Broken(fault, static_cast<int64_t>(held.size()) - header.offset())) {
    if (!reader->Read(&request)) break;
    const v1::Chunk& chunk = request.chunk();
    if (absl::HexStringToBytes(Sha256Hex(chunk.data())) != chunk.sha256()) return kBroken;
    held += chunk.data();
  }
  if (static_cast<int64_t>(held.size()) < header.size_bytes()) return kBroken;
  if (Sha256Hex(held) != header.sha256()) {
    return grpc::Status(grpc::StatusCode::DATA_LOSS, "wrong hash of the whole");
  }
  blobs[header.sha256()] = held;
  response->set_sha256(header.sha256());
  return grpc::Status::OK;
}

grpc::Status FaultyBlobService::DownloadBlob(grpc::ServerContext*,
                                             const v1::DownloadBlobRequest* request,
                                             grpc::ServerWriter<v1::DownloadBlobResponse>* writer) {
  const Fault fault = NextFault();
  offsets.push_back(request->offset());
  if (!fault.status.ok()) return fault.status;
  const std::string& blob = blobs[request->sha256()];
  bool flip = fault.flip_chunk;
  for (size_t at = request->offset(); at < blob.size(); at += kChunkBytes) {
    if (Broken(fault, static_cast<int64_t>(at) - request->offset())) return kBroken;
    v1::DownloadBlobResponse response;
    std::string data = blob.substr(at, kChunkBytes);
    response.mutable_chunk()->set_sha256(absl::HexStringToBytes(Sha256Hex(data)));
    if (std::exchange(flip, false)) data[0] ^= 1;
    response.mutable_chunk()->set_data(std::move(data));
    if (!writer->Write(response)) return kBroken;
  }
  return grpc::Status::OK;
}

LoopbackServer::LoopbackServer(grpc::Service& service, const TransportOptions& options) {
  int port = 0;
  grpc::ServerBuilder builder;
  SetServerLimits(builder);
  builder.AddListeningPort("127.0.0.1:0", *ServerCredentials("127.0.0.1:0", options), &port);
  builder.RegisterService(&service);
  server_ = builder.BuildAndStart();
  address_ = absl::StrCat("127.0.0.1:", port);
}

LoopbackServer::~LoopbackServer() { server_->Shutdown(std::chrono::system_clock::now()); }

std::shared_ptr<grpc::Channel> LoopbackServer::channel() const {
  return MakeChannel(address_, *ClientCredentials(address_, {}));
}

}  // namespace tune::testing
