#include "client/job_watch.h"

#include "proto/wire/status.h"
#include "proto/wire/transport.h"

namespace tune::client {
namespace {

void* const kTag = nullptr;  // one operation at a time: the stage says which

}  // namespace

bool IsOver(const v1::Job& job) {
  return job.state() == v1::Job::SUCCEEDED || job.state() == v1::Job::FAILED ||
         job.state() == v1::Job::CANCELLED;
}

WatchStream::WatchStream(std::shared_ptr<grpc::Channel> channel, const std::string& job,
                         int64_t after_seq, absl::Duration limit, bool wait_for_connection)
    : stub_(v1::JobService::NewStub(std::move(channel))), context_(MakeContext(limit)) {
  context_->set_wait_for_ready(wait_for_connection);
  v1::WatchJobRequest request;
  request.set_name(job);
  request.set_after_seq(after_seq);
  stream_ = stub_->AsyncWatchJob(context_.get(), request, &queue_, kTag);
}

WatchStream::~WatchStream() {
  context_->TryCancel();
  queue_.Shutdown();
  void* tag;
  bool ok;
  while (queue_.Next(&tag, &ok)) {
  }
}

void WatchStream::Finish() {
  stage_ = Stage::kFinishing;
  stream_->Finish(&grpc_status_, kTag);
}

WatchStream::Read WatchStream::Next(absl::Duration wait) {
  const auto deadline = std::chrono::system_clock::now() + absl::ToChronoMilliseconds(wait);
  while (stage_ != Stage::kOver) {
    if (stage_ == Stage::kIdle) {
      stage_ = Stage::kReading;
      stream_->Read(&update_, kTag);
    }
    void* tag;
    bool ok = false;
    const auto got = queue_.AsyncNext(&tag, &ok, deadline);
    if (got == grpc::CompletionQueue::TIMEOUT) return Read::kNothing;
    if (stage_ == Stage::kFinishing) {
      status_ = FromGrpcStatus(grpc_status_);
      stage_ = Stage::kOver;
    } else if (!ok) {
      Finish();
    } else {
      const bool was_reading = stage_ == Stage::kReading;
      stage_ = Stage::kIdle;
      if (was_reading) return Read::kUpdate;
    }
  }
  return Read::kEnd;
}

}  // namespace tune::client
