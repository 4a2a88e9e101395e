#include "client/event_lines.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/json.h"
#include "client/format.h"
#include "client/resource_names.h"
#include "client/text.h"
#include "proto/wire/convert.h"

namespace tune::client {
namespace {

using Training = v1::TrainingEvent;

// Bare where no reader of key=value could be misled, else a JSON string.
std::string Value(const std::string& text) {
  const bool bare = !text.empty() && text.find_first_of(" \t\n\r\"=\\") == std::string::npos;
  return bare ? Sanitize(text) : DumpJson(Json(text));
}

std::string Pair(absl::string_view key, const std::string& value) {
  return value.empty() ? "" : absl::StrCat(" ", key, "=", Value(value));
}

std::string StateText(const v1::JobEvent::StateChange& change) {
  return absl::StrCat("state=", v1::Job::State_Name(change.state()),
                      Pair("worker", ShortName(change.worker())), Pair("reason", change.reason()),
                      Pair("message", change.message()), Pair("user", change.user()));
}

// " loss.chip2=1.041 loss.gsm8k=0.872", or "" for a run with one dataset.
template <class Event>
std::string LossesBySource(const Event& event) {
  std::string text;
  for (const auto& source : event.sources()) {
    absl::StrAppendFormat(&text, " loss.%s=%.4g", ShortName(source.source()), source.loss());
  }
  return text;
}

std::string StartedText(const Training::Started& e) {
  return absl::StrFormat(
      "started device=%s precision=%s parameters=%d examples=%d total_steps=%d%s",
      Value(e.device()), Value(e.precision()), e.parameters(), e.examples(), e.total_steps(),
      e.resumed_step() ? absl::StrCat(" resumed_step=", e.resumed_step()) : "");
}

std::string TrainingText(const Training& event) {
  switch (event.event_case()) {
    case Training::kStarted:
      return StartedText(event.started());
    case Training::kEvaluation:
      return absl::StrFormat("eval step=%d loss=%.4g%s", event.evaluation().step(),
                             event.evaluation().loss(), LossesBySource(event.evaluation()));
    case Training::kCheckpoint:
      return absl::StrCat("saved step=", event.checkpoint().step(),
                          Pair("path", event.checkpoint().path()),
                          " size_bytes=", event.checkpoint().size_bytes());
    case Training::kSample:
      return absl::StrCat("sample step=", event.sample().step(),
                          Pair("prompt", event.sample().prompt()),
                          Pair("text", event.sample().text()));
    case Training::kNotice:
      return absl::StrCat(
          event.notice().severity() == Training::Notice::WARNING ? "warning" : "notice",
          Pair("text", event.notice().text()));
    case Training::kFinished:
      return absl::StrCat("finished step=", event.finished().step());
    case Training::kFailed:
      return absl::StrCat("failed", Pair("reason", event.failed().reason()),
                          Pair("message", event.failed().message()),
                          " retryable=", event.failed().retryable() ? "true" : "false");
    default:
      return "";
  }
}

std::string EventBody(const v1::JobEvent& event) {
  switch (event.event_case()) {
    case v1::JobEvent::kStateChange:
      return StateText(event.state_change());
    case v1::JobEvent::kCheckpoint:
      return absl::StrCat("checkpoint=", ShortName(event.checkpoint()));
    case v1::JobEvent::kTraining:
      return TrainingText(event.training());
    default:
      return "";
  }
}

std::string StepBody(const Training::Step& step) {
  return absl::StrFormat("step=%d/%d epoch=%.2f loss=%.4g lr=%.2g grad_norm=%.3g%s", step.step(),
                         step.total_steps(), step.epoch(), step.loss(), step.learning_rate(),
                         step.grad_norm(), LossesBySource(step));
}

EventText DescribeTraining(const Training& event) {
  switch (event.event_case()) {
    case Training::kStarted:
      return {"Started", absl::StrCat(Counted(event.started().total_steps(), "step"), " on ",
                                      event.started().device(), " in ", event.started().precision(),
                                      event.started().resumed_step()
                                          ? absl::StrCat(", resumed at step ",
                                                         WithCommas(event.started().resumed_step()))
                                          : "")};
    case Training::kStep:
      return {"Step", StepBody(event.step())};
    case Training::kEvaluation:
      return {"Evaluated", absl::StrCat("step ", WithCommas(event.evaluation().step()), ", loss ",
                                        HumanNumber(event.evaluation().loss()),
                                        LossesBySource(event.evaluation()))};
    case Training::kCheckpoint:
      return {"Saved", absl::StrCat("step ", WithCommas(event.checkpoint().step()), ", ",
                                    HumanBytes(event.checkpoint().size_bytes()), " in ",
                                    absl::StrFormat("%.1fs", event.checkpoint().seconds()))};
    case Training::kSample:
      return {"Sample", absl::StrCat(event.sample().prompt(), " → ", event.sample().text())};
    case Training::kNotice:
      return {event.notice().severity() == Training::Notice::WARNING ? "Warning" : "Notice",
              event.notice().text()};
    case Training::kFinished:
      return {"Finished", absl::StrCat("step ", WithCommas(event.finished().step()))};
    case Training::kFailed:
      return {"Failed", absl::StrCat(event.failed().reason(), ": ", event.failed().message())};
    default:
      return {"Unknown", ""};
  }
}

std::string Join(const std::string& a, const std::string& b) {
  return a.empty() || b.empty() ? a + b : absl::StrCat(a, ": ", b);
}

}  // namespace

EventText DescribeEvent(const v1::JobEvent& event) {
  switch (event.event_case()) {
    case v1::JobEvent::kStateChange: {
      const auto& change = event.state_change();
      const std::string on = change.worker().empty() ? "" : "on " + ShortName(change.worker());
      if (change.state() == v1::Job::STATE_UNSPECIFIED) return {change.reason(), change.message()};
      std::vector<std::string> parts = {on, Join(change.reason(), change.message()),
                                        change.user().empty() ? "" : "by " + change.user()};
      std::erase(parts, "");
      return {v1::Job::State_Name(change.state()), absl::StrJoin(parts, ", ")};
    }
    case v1::JobEvent::kCheckpoint:
      return {"Checkpoint", absl::StrCat(ShortName(event.checkpoint()), " registered")};
    case v1::JobEvent::kTraining:
      return DescribeTraining(event.training());
    default:
      return {"Unknown", ""};
  }
}

std::vector<std::string> EventLines::Lines(const v1::WatchJobResponse& update) {
  std::vector<std::string> lines;
  for (const v1::JobEvent& event : update.events()) Add(event, lines);
  return lines;
}

void EventLines::FlushStep(std::vector<std::string>& lines) {
  if (held_) lines.push_back(*std::move(held_));
  held_.reset();
}

std::string EventLines::StepLine(const v1::JobEvent& event) const {
  const Training::Step& step = event.training().step();
  const double left = pace_.SecondsLeft(step.step(), step.total_steps());
  return absl::StrFormat("%s %s tokens_per_second=%.0f eta_seconds=%.0f", Rfc3339(event.time()),
                         StepBody(step), pace_.known() ? pace_.tokens_per_second : 0,
                         pace_.known() ? left : 0);
}

void EventLines::Add(const v1::JobEvent& event, std::vector<std::string>& lines) {
  if (!event.has_training() || !event.training().has_step()) {
    FlushStep(lines);
    if (event.has_training() && event.training().has_started()) {
      pace_ = Pace();
      last_step_ = absl::InfinitePast();
    }
    const std::string body = EventBody(event);
    if (!body.empty()) lines.push_back(absl::StrCat(Rfc3339(event.time()), " ", body));
    return;
  }
  const Training::Step& step = event.training().step();
  pace_.Add(step.seconds(), step.tokens());
  held_ = StepLine(event);
  const absl::Time time = FromTimestamp(event.time());
  if (time - last_step_ < interval_) return;
  last_step_ = time;
  FlushStep(lines);
}

}  // namespace tune::client
