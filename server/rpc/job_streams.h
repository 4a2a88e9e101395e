// The two streams that follow a job: its history, and its trainers' output.
#pragma once

#include <functional>
#include <string>

#include "server/engine/engine.h"
#include "server/rpc/write_stream.h"
#include "tune/v1/jobs.pb.h"

namespace tune::server {

// Events after request.after_seq, up to 100 a message, each with the job as of then; the
// first message comes at once, without events if there are none. Ends once the job is
// over and all of them are sent.
class WatchSource : public StreamSource<v1::WatchJobResponse> {
 public:
  WatchSource(Engine& engine, const v1::WatchJobRequest& request, std::function<void()> wake);
  absl::StatusOr<Produced> Next(v1::WatchJobResponse& message) override;

 private:
  absl::Status Begin();

  Engine& engine_;
  const v1::WatchJobRequest request_;
  const std::function<void()> wake_;
  std::string job_id_;
  int64_t after_seq_;
  bool first_ = true;
  Subscription news_;
};

// The log of one attempt. With `follow`, from there on whatever comes, through later
// attempts unless one was asked for, until the job is over.
class LogSource : public StreamSource<v1::StreamJobLogsResponse> {
 public:
  LogSource(Engine& engine, const v1::StreamJobLogsRequest& request, std::function<void()> wake);
  absl::StatusOr<Produced> Next(v1::StreamJobLogsResponse& message) override;

 private:
  absl::Status Begin();
  absl::Status ChooseAttempt(const Job& job);
  // Nothing more in this attempt's log, which `job` was read before.
  Produced AtTheEnd(const Job& job);

  Engine& engine_;
  const v1::StreamJobLogsRequest request_;
  const std::function<void()> wake_;
  std::string job_id_;
  int32_t attempt_ = 0;  // 0: none has begun yet
  int64_t offset_ = 0;
  Subscription news_;
};

}  // namespace tune::server
