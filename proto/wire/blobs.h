// Moving blobs in checked chunks: used by the worker and by tunectl.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tune/v1/registry.grpc.pb.h"

namespace tune {

// Reason of a DATA_LOSS: the blob is damaged on the scheduler's disk. It is whole again once
// somebody has uploaded it.
inline constexpr char kBlobDamaged[] = "BLOB_DAMAGED";

using TransferProgress = std::function<void(int64_t bytes_done, int64_t bytes_total)>;

class BlobClient {
 public:
  // `sleep` waits between tries.
  explicit BlobClient(std::shared_ptr<grpc::ChannelInterface> channel,
                      std::function<void(absl::Duration)> sleep = absl::SleepFor);

  // Sends a file unless the store already has it whole; goes on where an earlier upload
  // stopped; resends after a broken stream, giving up after 5 tries in a row that brought
  // nothing. `sha256` must be the file's.
  absl::Status Upload(const std::string& path, const std::string& sha256, int64_t size_bytes,
                      const TransferProgress& progress = nullptr);

  // Fetches into "PATH.part", each chunk and at the end the whole verified, then synced
  // and renamed. An earlier .part is continued. DATA_LOSS where the content is wrong.
  absl::Status Download(const std::string& sha256, int64_t size_bytes, const std::string& path,
                        const TransferProgress& progress = nullptr);

 private:
  std::unique_ptr<v1::BlobService::Stub> stub_;
  std::function<void(absl::Duration)> sleep_;
};

}  // namespace tune
