#include "tests/support/scripted/blobs.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "base/sha256.h"
#include "proto/wire/transport.h"

namespace tune::testing {
namespace {

const grpc::Status kBroken(grpc::StatusCode::UNAVAILABLE, "connection reset");

bool Broken(const ScriptedBlobs::Fault& fault, int64_t bytes) {
  return fault.after_bytes >= 0 && bytes >= fault.after_bytes;
}

}  // namespace

ScriptedBlobs::Fault ScriptedBlobs::NextFault() {
  if (faults.empty()) return {};
  Fault fault = faults.front();
  faults.pop_front();
  return fault;
}

v1::FileEntry ScriptedBlobs::Put(const std::string& path, const std::string& content) {
  v1::FileEntry entry;
  entry.set_path(path);
  entry.set_size_bytes(static_cast<int64_t>(content.size()));
  entry.set_sha256(Sha256Hex(content));
  blobs[entry.sha256()] = content;
  return entry;
}

grpc::Status ScriptedBlobs::StatBlobs(grpc::ServerContext*, const v1::StatBlobsRequest* request,
                                      v1::StatBlobsResponse* response) {
  for (const std::string& sha256 : request->sha256()) {
    auto* blob = response->add_blobs();
    blob->set_sha256(sha256);
    blob->set_complete(blobs.contains(sha256));
    blob->set_received_bytes(static_cast<int64_t>(received[sha256].size()));
  }
  return grpc::Status::OK;
}

grpc::Status ScriptedBlobs::UploadBlob(grpc::ServerContext*,
                                       grpc::ServerReader<v1::UploadBlobRequest>* reader,
                                       v1::UploadBlobResponse* response) {
  const Fault fault = NextFault();
  v1::UploadBlobRequest request;
  if (!reader->Read(&request)) return kBroken;
  const v1::UploadBlobRequest::Header header = request.header();
  offsets.push_back(header.offset());
  std::string& held = received[header.sha256()];
  if (header.offset() != static_cast<int64_t>(held.size())) return kBroken;
  while (true) {
    if (Broken(fault, static_cast<int64_t>(held.size()) - header.offset())) return fault.status;
    if (!reader->Read(&request)) break;
    const v1::Chunk& chunk = request.chunk();
    if (absl::HexStringToBytes(Sha256Hex(chunk.data())) != chunk.sha256()) return kBroken;
    held += chunk.data();
  }
  if (static_cast<int64_t>(held.size()) < header.size_bytes()) return kBroken;
  const std::string whole = std::exchange(held, "");
  if (Sha256Hex(whole) != header.sha256()) {
    return grpc::Status(grpc::StatusCode::DATA_LOSS, "wrong hash of the whole");
  }
  blobs[header.sha256()] = whole;
  response->set_sha256(header.sha256());
  return grpc::Status::OK;
}

grpc::Status ScriptedBlobs::DownloadBlob(grpc::ServerContext*,
                                         const v1::DownloadBlobRequest* request,
                                         grpc::ServerWriter<v1::DownloadBlobResponse>* writer) {
  const Fault fault = NextFault();
  offsets.push_back(request->offset());
  const auto found = blobs.find(request->sha256());
  if (found == blobs.end()) {
    return grpc::Status(grpc::StatusCode::NOT_FOUND, request->sha256() + " does not exist");
  }
  const std::string& blob = found->second;
  bool flip = fault.flip_chunk;
  for (size_t at = request->offset(); at < blob.size(); at += kChunkBytes) {
    if (Broken(fault, static_cast<int64_t>(at) - request->offset())) return fault.status;
    v1::DownloadBlobResponse response;
    std::string data = blob.substr(at, kChunkBytes);
    response.mutable_chunk()->set_sha256(absl::HexStringToBytes(Sha256Hex(data)));
    if (std::exchange(flip, false)) data[0] ^= 1;
    response.mutable_chunk()->set_data(std::move(data));
    if (!writer->Write(response)) return kBroken;
  }
  return grpc::Status::OK;
}

}  // namespace tune::testing
