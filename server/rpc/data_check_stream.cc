#include "server/rpc/data_check_stream.h"

#include <utility>

#include "base/status.h"

namespace tune::server {
namespace {

constexpr absl::Duration kTellEvery = absl::Milliseconds(200);

}  // namespace

absl::Status DataCheckNews::Tell(const DataProgress& progress) {
  const absl::Duration now = clock_.Monotonic();
  {
    absl::MutexLock lock(&mutex_);
    if (!listening_) return absl::CancelledError("nobody waits for the check any more");
    if (now - told_ < kTellEvery) return absl::OkStatus();
    told_ = now;
    newest_ = progress;
  }
  wake_();
  return absl::OkStatus();
}

void DataCheckNews::End(const absl::Status& result) {
  {
    absl::MutexLock lock(&mutex_);
    result_ = result;
  }
  wake_();
}

void DataCheckNews::StopListening() {
  absl::MutexLock lock(&mutex_);
  listening_ = false;
}

absl::StatusOr<Produced> DataCheckNews::Take(v1::CheckJobDataResponse& message) {
  absl::MutexLock lock(&mutex_);
  if (result_ && !result_->ok()) return *result_;
  if (result_) return Produced::kEnd;
  if (!newest_) return Produced::kWait;
  message.set_dataset(newest_->dataset);
  message.set_rows(newest_->rows);
  message.set_total_rows(newest_->total_rows);
  newest_.reset();
  return Produced::kMessage;
}

DataCheckSource::DataCheckSource(Engine& engine, Executor& checks, Clock& clock,
                                 absl::StatusOr<NewJob> request, std::function<void()> wake)
    : engine_(engine),
      checks_(checks),
      request_(std::move(request)),
      news_(std::make_shared<DataCheckNews>(clock, std::move(wake))) {}

absl::StatusOr<Produced> DataCheckSource::Next(v1::CheckJobDataResponse& message) {
  return std::exchange(begun_, true) ? news_->Take(message) : Begin();
}

absl::StatusOr<Produced> DataCheckSource::Begin() {
  RETURN_IF_ERROR(request_.status());
  ASSIGN_OR_RETURN(SubmitPlan plan, engine_.submit().MakePlan(*request_));
  if (Submit::IsQuick(plan)) return Produced::kEnd;
  const auto check = [&submit = engine_.submit(), news = news_, plan = std::move(plan)] {
    news->End(
        submit.CheckData(plan, [&](const DataProgress& progress) { return news->Tell(progress); }));
  };
  if (!checks_.TrySubmit(check)) return Overloaded();
  return Produced::kMessage;
}

}  // namespace tune::server
