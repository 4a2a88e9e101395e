#include "worker/agent/trainer_events.h"

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/log.h"
#include "proto/wire/convert.h"
#include "run/folder.h"

namespace tune::worker {
namespace {

constexpr size_t kLinesPerRead = 1000;

}  // namespace

v1::TrainingEvent ParseEventLine(const std::string& line, int64_t number) {
  v1::TrainingEvent event;
  const absl::Status status = ProtoFromJson(line, &event);
  if (status.ok() && event.event_case() != v1::TrainingEvent::EVENT_NOT_SET) return event;
  event.Clear();
  event.mutable_notice()->set_severity(v1::TrainingEvent::Notice::WARNING);
  event.mutable_notice()->set_text(absl::StrCat(
      kEventsFile, ":", number, ": not an event",
      status.ok() ? std::string(": it holds none") : absl::StrCat(": ", status.message())));
  return event;
}

TrainerEvents::TrainerEvents(const std::string& run_dir, Observer observer)
    : tail_(JoinPath(run_dir, kEventsFile)), observer_(std::move(observer)) {}

void TrainerEvents::Poll() {
  while (true) {
    const auto lines = tail_.Peek(kLinesPerRead);
    if (!lines.ok()) spdlog::debug("{}", lines.status().ToString());  // the reporter ends the run
    if (!lines.ok() || lines->empty()) return;
    int64_t number = tail_.next_line();
    for (const std::string& line : *lines) Take(ParseEventLine(line, number++));
    tail_.Consume(lines->size());
  }
}

void TrainerEvents::Take(const v1::TrainingEvent& event) {
  if (event.has_finished()) finished_ = true;
  if (event.has_failed()) failed_ = event.failed();
  observer_(event);
}

}  // namespace tune::worker
