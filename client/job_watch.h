// A job's history and what is still to come, over connections that break.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "tune/v1/jobs.grpc.pb.h"

namespace tune::client {

// One WatchJob stream, read with a limit on the waiting. Not thread-safe.
class WatchStream {
 public:
  enum class Read { kUpdate, kNothing, kEnd };

  // Entries after `after_seq`; the stream's own deadline is `limit` from now. Where there is no
  // connection it ends at once, or waits for one: it is being made while Next is called.
  WatchStream(std::shared_ptr<grpc::Channel> channel, const std::string& job, int64_t after_seq,
              absl::Duration limit, bool wait_for_connection = false);
  ~WatchStream();
  WatchStream(const WatchStream&) = delete;
  WatchStream& operator=(const WatchStream&) = delete;

  // kUpdate: update() holds the next batch. kNothing: none came within `wait`. kEnd:
  // the stream is over, status() says how.
  Read Next(absl::Duration wait);
  const v1::WatchJobResponse& update() const { return update_; }
  const absl::Status& status() const { return status_; }

 private:
  void Finish();

  std::unique_ptr<v1::JobService::Stub> stub_;
  std::unique_ptr<grpc::ClientContext> context_;
  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::ClientAsyncReader<v1::WatchJobResponse>> stream_;
  v1::WatchJobResponse update_;
  grpc::Status grpc_status_;
  absl::Status status_;
  enum class Stage { kStarting, kIdle, kReading, kFinishing, kOver } stage_ = Stage::kStarting;
};

bool IsOver(const v1::Job& job);

}  // namespace tune::client
