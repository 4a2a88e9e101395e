// The stream that tells how far the check of a job's data is.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "server/engine/engine.h"
#include "server/rpc/executor.h"
#include "server/rpc/write_stream.h"
#include "tune/v1/jobs.pb.h"

namespace tune::server {

// Between the check, on its thread, and the stream that tells of it. Thread-safe.
class DataCheckNews {
 public:
  // `wake` is called when there is something to tell, at most a few times a second.
  DataCheckNews(Clock& clock, std::function<void()> wake) : clock_(clock), wake_(std::move(wake)) {}

  // For DataChecks: CANCELLED once nobody listens any more.
  absl::Status Tell(const DataProgress& progress);
  void End(const absl::Status& result);
  void StopListening();
  // The newest that was not taken yet; the check's error where it has ended with one.
  absl::StatusOr<Produced> Take(v1::CheckJobDataResponse& message);

 private:
  Clock& clock_;
  const std::function<void()> wake_;
  absl::Mutex mutex_;
  bool listening_ ABSL_GUARDED_BY(mutex_) = true;
  std::optional<DataProgress> newest_ ABSL_GUARDED_BY(mutex_);
  absl::Duration told_ ABSL_GUARDED_BY(mutex_) = -absl::InfiniteDuration();
  std::optional<absl::Status> result_ ABSL_GUARDED_BY(mutex_);
};

// Looks through the data of the job `request`, in a thread of `checks`; the check ends with the
// stream. A first message, of no dataset, says that it has to wait for its turn; where all is known
// already the stream ends without one. Its error is the request's, or that of Submit::CheckData.
class DataCheckSource : public StreamSource<v1::CheckJobDataResponse> {
 public:
  DataCheckSource(Engine& engine, Executor& checks, Clock& clock, absl::StatusOr<NewJob> request,
                  std::function<void()> wake);
  ~DataCheckSource() override { news_->StopListening(); }
  absl::StatusOr<Produced> Next(v1::CheckJobDataResponse& message) override;

 private:
  absl::StatusOr<Produced> Begin();

  Engine& engine_;
  Executor& checks_;
  const absl::StatusOr<NewJob> request_;
  const std::shared_ptr<DataCheckNews> news_;
  bool begun_ = false;
};

}  // namespace tune::server
