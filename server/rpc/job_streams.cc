#include "server/rpc/job_streams.h"

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "run/names.h"
#include "server/rpc/conversion.h"
#include "server/rpc/list_page.h"

namespace tune::server {
namespace {

constexpr int64_t kEventsPerMessage = 100;
constexpr int64_t kLogBytesPerMessage = 256 << 10;

}  // namespace

WatchSource::WatchSource(Engine& engine, const v1::WatchJobRequest& request,
                         std::function<void()> wake)
    : engine_(engine), request_(request), wake_(std::move(wake)), after_seq_(request.after_seq()) {}

absl::Status WatchSource::Begin() {
  ASSIGN_OR_RETURN(job_id_, ParseName("jobs", request_.name()));
  ASSIGN_OR_RETURN(news_, engine_.hub().Subscribe(job_id_, wake_));
  return absl::OkStatus();
}

absl::StatusOr<Produced> WatchSource::Next(v1::WatchJobResponse& message) {
  if (!news_.active()) RETURN_IF_ERROR(Begin());
  // Read before the events, so that those of a job found to be over are all there.
  ASSIGN_OR_RETURN(const Job before, engine_.queries().GetJob(job_id_));
  ASSIGN_OR_RETURN(const auto events,
                   engine_.queries().ListEvents(job_id_, after_seq_, kEventsPerMessage));
  if (events.empty() && !first_) {
    return IsTerminal(before.state) ? Produced::kEnd : Produced::kWait;
  }
  first_ = false;
  const size_t told = AddWhileFits(events, message.mutable_events(),
                                   [](const JobEvent& event) { return ToProto(event); });
  if (told > 0) after_seq_ = events[told - 1].seq;
  ASSIGN_OR_RETURN(const Job after, engine_.queries().GetJob(job_id_));
  *message.mutable_job() = ToProto(after);
  return Produced::kMessage;
}

LogSource::LogSource(Engine& engine, const v1::StreamJobLogsRequest& request,
                     std::function<void()> wake)
    : engine_(engine), request_(request), wake_(std::move(wake)) {}

absl::Status LogSource::Begin() {
  ASSIGN_OR_RETURN(job_id_, ParseName("jobs", request_.name()));
  ASSIGN_OR_RETURN(news_, engine_.hub().Subscribe(job_id_, wake_));
  return absl::OkStatus();
}

absl::Status LogSource::ChooseAttempt(const Job& job) {
  const auto begun = static_cast<int32_t>(job.attempts.size());
  if (request_.attempt() < 0 || request_.attempt() > begun) {
    return absl::NotFoundError(
        absl::StrCat(request_.name(), ": no attempt ", request_.attempt(), "; it has had ", begun));
  }
  attempt_ = request_.attempt() > 0 ? request_.attempt() : begun;
  if (attempt_ == 0) return absl::OkStatus();
  ASSIGN_OR_RETURN(offset_, engine_.logs().TailOffset(job_id_, attempt_, request_.tail_lines()));
  return absl::OkStatus();
}

Produced LogSource::AtTheEnd(const Job& job) {
  const auto begun = static_cast<int32_t>(job.attempts.size());
  if (!request_.follow() || (request_.attempt() > 0 && attempt_ < begun)) return Produced::kEnd;
  if (attempt_ == begun) return IsTerminal(job.state) ? Produced::kEnd : Produced::kWait;
  ++attempt_;
  offset_ = 0;
  wake_();  // to look into the next attempt's log
  return Produced::kWait;
}

absl::StatusOr<Produced> LogSource::Next(v1::StreamJobLogsResponse& message) {
  if (!news_.active()) RETURN_IF_ERROR(Begin());
  ASSIGN_OR_RETURN(const Job job, engine_.queries().GetJob(job_id_));
  if (attempt_ == 0) RETURN_IF_ERROR(ChooseAttempt(job));
  if (attempt_ == 0) return AtTheEnd(job);
  ASSIGN_OR_RETURN(*message.mutable_data(),
                   engine_.logs().Read(job_id_, attempt_, offset_, kLogBytesPerMessage));
  offset_ += static_cast<int64_t>(message.data().size());
  return message.data().empty() ? AtTheEnd(job) : Produced::kMessage;
}

}  // namespace tune::server
