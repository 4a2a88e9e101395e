#include "client/follow.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "client/error_report.h"
#include "client/format.h"
#include "client/job_watch.h"
#include "client/resource_names.h"
#include "proto/wire/convert.h"

namespace tune::client {
namespace {

constexpr absl::Duration kTick = absl::Milliseconds(200);
constexpr absl::Duration kStreamLimit = absl::Hours(1);  // then quietly a new one
constexpr absl::Duration kGiveUp = absl::Minutes(10);
constexpr absl::Duration kFirstPause = absl::Milliseconds(500);
constexpr absl::Duration kLongestPause = absl::Seconds(5);
constexpr absl::Duration kEndPause = absl::Seconds(10);
constexpr absl::Duration kHistoryPause = absl::Seconds(1);
constexpr int kFullBatch = 100;

bool MayReconnect(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:  // the scheduler drains
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kUnknown:
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kCancelled:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kResourceExhausted:  // a slow reader was dropped
      return true;
    default:
      return false;
  }
}

class Follower {
 public:
  Follower(Context& context, const FollowOptions& options, JobObserver& observer)
      : context_(context),
        options_(options),
        observer_(observer),
        start_(context.clock().Monotonic()) {}

  absl::StatusOr<v1::Job> Run() {
    ASSIGN_OR_RETURN(channel_, context_.Connect());
    while (true) {
      // Once it has been there, the scheduler is waited for.
      WatchStream stream(channel_, options_.job, after_seq_, kStreamLimit, connected_once_);
      RETURN_IF_ERROR(ReadToEnd(stream));
      if (IsOver(job_)) return job_;
      if (!MayReconnect(stream.status()) || !connected_once_) return stream.status();
      RETURN_IF_ERROR(AwaitReconnect(stream.status()));
    }
  }

 private:
  // Until the stream ends; an error only where the following itself must end.
  absl::Status ReadToEnd(WatchStream& stream) {
    while (true) {
      RETURN_IF_ERROR(CheckLimits());
      const WatchStream::Read read = stream.Next(kTick);
      if (read == WatchStream::Read::kEnd) return absl::OkStatus();
      if (read == WatchStream::Read::kUpdate) Take(stream.update());
      observer_.OnTick();
      // The job as it is now comes with old entries too: more of them may follow.
      if (read == WatchStream::Read::kUpdate) last_update_ = context_.clock().Monotonic();
      if (IsOver(job_) && context_.clock().Monotonic() - last_update_ > kEndPause) {
        return absl::OkStatus();
      }
    }
  }

  void Take(const v1::WatchJobResponse& update) {
    connected_once_ = true;
    lost_since_.reset();
    if (told_of_loss_) observer_.OnConnectionBack();
    told_of_loss_ = false;
    pause_ = kFirstPause;
    for (const v1::JobEvent& event : update.events()) after_seq_ = event.seq();
    if (update.has_job()) job_ = update.job();
    observer_.OnUpdate(update);
  }

  absl::Status CheckLimits() {
    if (options_.interrupted()) return absl::CancelledError("interrupted");
    if (lost_since_ && context_.clock().Monotonic() - *lost_since_ > kGiveUp) return why_lost_;
    if (context_.clock().Monotonic() - start_ < options_.limit) return absl::OkStatus();
    return WithHint(
        absl::DeadlineExceededError(absl::StrCat("job/", ShortName(options_.job),
                                                 " is not over after ",
                                                 absl::FormatDuration(options_.limit))),
        absl::StrCat("it goes on; tunectl wait ", ShortName(options_.job), " to wait longer"));
  }

  absl::Status AwaitReconnect(const absl::Status& why) {
    if (!lost_since_) lost_since_ = context_.clock().Monotonic();
    why_lost_ = why.ok() ? absl::UnavailableError("the scheduler ended the stream") : why;
    const bool planned = why.code() == absl::StatusCode::kDeadlineExceeded;  // kStreamLimit
    if (!planned && !told_of_loss_) {
      told_of_loss_ = true;
      observer_.OnConnectionLost();
    }
    for (absl::Duration waited; waited < pause_; waited += kTick) {
      RETURN_IF_ERROR(CheckLimits());
      observer_.OnTick();
      context_.SleepFor(kTick);
    }
    pause_ = std::min(pause_ * 2, kLongestPause);
    return absl::OkStatus();
  }

  Context& context_;
  const FollowOptions& options_;
  JobObserver& observer_;
  const absl::Duration start_;
  std::shared_ptr<grpc::Channel> channel_;
  int64_t after_seq_ = 0;
  v1::Job job_;
  bool connected_once_ = false;
  bool told_of_loss_ = false;
  std::optional<absl::Duration> lost_since_;
  absl::Status why_lost_;
  absl::Duration pause_ = kFirstPause;
  absl::Duration last_update_;
};

std::string Duration(const v1::Job& job) {
  const auto& start = job.has_start_time() ? job.start_time() : job.create_time();
  if (!job.has_end_time()) return "";
  return absl::StrCat(" in ", HumanDuration(FromTimestamp(job.end_time()) - FromTimestamp(start)));
}

}  // namespace

absl::StatusOr<v1::Job> FollowJob(Context& context, const FollowOptions& options,
                                  JobObserver& observer) {
  return Follower(context, options, observer).Run();
}

ExitCode ReportOutcome(Context& context, const v1::Job& job) {
  const std::string name = ShortName(job.name());
  if (job.state() == v1::Job::SUCCEEDED) {
    if (context.table()) {
      context.out() << "job/" << name << " succeeded" << Duration(job) << "\n";
    }
    context.Note(absl::StrCat("  tunectl checkpoints pull ", name, " -d ./", name));
    return ExitCode::kOk;
  }
  const bool cancelled = job.state() == v1::Job::CANCELLED;
  std::string what = absl::StrCat("job/", name, cancelled ? " was cancelled" : " failed");
  if (!cancelled) absl::StrAppend(&what, ": ", job.reason());
  if (!job.message().empty()) absl::StrAppend(&what, ": ", job.message());
  ReportError(context.err(),
              WithHint(absl::AbortedError(what),
                       absl::StrCat("tunectl describe ", name, " or tunectl logs ", name)),
              context.flags(), Style(context.err_screen()));
  return ExitCodeOf(job.state());
}

// A batch that is not full, or silence, means there is no more yet.
absl::StatusOr<std::vector<v1::JobEvent>> FetchHistory(Context& context, const std::string& job) {
  ASSIGN_OR_RETURN(auto channel, context.Connect());
  const absl::Duration limit = context.flags().timeout.value_or(Context::kCallTimeout);
  WatchStream stream(std::move(channel), job, 0, limit);
  std::vector<v1::JobEvent> events;
  while (true) {
    const WatchStream::Read read = stream.Next(events.empty() ? limit : kHistoryPause);
    if (read == WatchStream::Read::kEnd) break;
    if (read == WatchStream::Read::kNothing) return events;
    const auto& batch = stream.update().events();
    events.insert(events.end(), batch.begin(), batch.end());
    if (batch.size() < kFullBatch) return events;
  }
  if (!stream.status().ok()) return stream.status();
  return events;
}

}  // namespace tune::client
