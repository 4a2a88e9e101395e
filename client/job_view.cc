#include "client/job_view.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "client/format.h"
#include "client/job_watch.h"
#include "client/resource_names.h"
#include "client/text.h"
#include "proto/wire/convert.h"

namespace tune::client {
namespace {

constexpr size_t kMaxLosses = 1 << 20;
constexpr int kMaxBar = 34;
constexpr int kMaxSparkline = 24;

std::string Percent(double fraction) { return absl::StrFormat("%.1f%%", 100 * fraction); }

// With the epoch in which the run ends: by its epochs, or sooner by its max_steps.
std::string EpochText(const v1::TrainingEvent::Step& step, const v1::RunSpec& spec) {
  double end = spec.epochs();
  if (spec.max_steps() > 0 && step.epoch() > 0) {
    const double steps_per_epoch = static_cast<double>(step.step()) / step.epoch();
    end = std::min(end, static_cast<double>(step.total_steps()) / steps_per_epoch);
  }
  const std::string epoch = absl::StrFormat("epoch %.2f", step.epoch());
  return end > 0 ? absl::StrCat(epoch, "/", std::round(100 * end) / 100) : epoch;
}

}  // namespace

void JobView::Apply(const v1::WatchJobResponse& update) {
  for (const v1::JobEvent& event : update.events()) Apply(event);
  if (update.has_job()) job_ = update.job();
}

void JobView::Apply(const v1::JobEvent& event) {
  attempt_ = std::max(attempt_, event.attempt());
  if (event.has_training()) ApplyTraining(event.training());
  if (event.event_case() == v1::JobEvent::kCheckpoint) {
    checkpoint_ = {StepOfCheckpoint(event.checkpoint()), FromTimestamp(event.time())};
  }
}

// "jobs/J/checkpoints/step-00000012"; the final one is of the step reached.
int64_t JobView::StepOfCheckpoint(const std::string& name) const {
  int64_t step = 0;
  const std::string id = ShortName(name);
  const bool named = absl::SimpleAtoi(absl::StripPrefix(id, "step-"), &step);
  return named ? step : step_ ? step_->step() : 0;
}

void JobView::ApplyTraining(const v1::TrainingEvent& event) {
  switch (event.event_case()) {
    case v1::TrainingEvent::kStarted:
      resumed_step_ = event.started().resumed_step();
      losses_.resize(std::min<size_t>(losses_.size(), resumed_step_));
      samples_.clear();
      pace_ = Pace();
      break;
    case v1::TrainingEvent::kStep:
      ApplyStep(event.step());
      break;
    case v1::TrainingEvent::kEvaluation:
      evaluation_ = event.evaluation();
      break;
    case v1::TrainingEvent::kSample:
      samples_.push_back(event.sample());
      break;
    case v1::TrainingEvent::kNotice:
      if (event.notice().severity() == v1::TrainingEvent::Notice::WARNING) {
        warning_ = event.notice().text();
      }
      break;
    default:
      break;
  }
}

void JobView::ApplyStep(const v1::TrainingEvent::Step& step) {
  step_ = step;
  pace_.Add(step.seconds(), step.tokens());
  if (step.step() < 1 || static_cast<size_t>(step.step()) > kMaxLosses) return;
  losses_.resize(step.step(), NAN);
  losses_.back() = step.loss();
}

double JobView::TokensPerSecond() const {
  return job_.progress().step() == step_->step() ? job_.progress().tokens_per_second()
                                                 : pace_.tokens_per_second;
}

double JobView::SecondsLeft() const {
  return job_.progress().step() == step_->step()
             ? job_.progress().eta_seconds()
             : pace_.SecondsLeft(step_->step(), step_->total_steps());
}

std::string JobView::StateLine(const Style& style) const {
  std::string line = absl::StrCat(style.Bold(absl::StrCat("job/", ShortName(job_.name()))), "  ",
                                  style.State(v1::Job::State_Name(job_.state())));
  const bool placed = job_.state() == v1::Job::LEASED || job_.state() == v1::Job::RUNNING;
  if (placed) absl::StrAppend(&line, " on ", ShortName(job_.worker()));
  if (attempt_ > 1) absl::StrAppend(&line, "  attempt ", attempt_);
  if (resumed_step_ > 0) {
    absl::StrAppend(&line, " (resumed @ step ", WithCommas(resumed_step_), ")");
  }
  if (job_.state() == v1::Job::QUEUED) {
    absl::StrAppend(&line, "  ",
                    job_.queue_position() == 0
                        ? "next in the queue"
                        : absl::StrCat("behind ", Counted(job_.queue_position(), "job")));
    if (!job_.reason().empty()) absl::StrAppend(&line, "  ", SanitizeLine(job_.reason()));
  }
  return line;
}

std::string JobView::ProgressLine(absl::Time now, absl::TimeZone zone, int width,
                                  const Style& style) const {
  const double fraction = step_->total_steps() > 0 ? static_cast<double>(step_->step()) /
                                                         static_cast<double>(step_->total_steps())
                                                   : 0;
  const std::string left =
      absl::StrCat(" step ", WithCommas(step_->step()), "/", WithCommas(step_->total_steps()), " ");
  std::string right = absl::StrCat("  ", Percent(fraction), "  ", EpochText(*step_, job_.spec()));
  const double seconds = SecondsLeft();
  if (job_.state() == v1::Job::RUNNING && seconds > 0) {
    const absl::Duration left_time = absl::Seconds(seconds);
    absl::StrAppend(&right, "  ETA ", HumanDuration(left_time), " (",
                    absl::FormatTime("%H:%M", now + left_time, zone), ")");
  }
  const int cells = std::clamp(width - DisplayWidth(left) - DisplayWidth(right), 0, kMaxBar);
  return absl::StrCat(left, cells < 4 ? "" : style.Bar(fraction, cells), right);
}

std::string JobView::LossLine(int width, const Style& style) const {
  const std::string left = absl::StrCat(" loss ", HumanNumber(step_->loss()), " ");
  std::string right =
      absl::StrFormat("  lr %.2g  |g| %.3g", step_->learning_rate(), step_->grad_norm());
  if (const double rate = TokensPerSecond(); rate > 0) {
    absl::StrAppend(&right, "  ", WithCommas(std::llround(rate)), " tok/s");
  }
  if (evaluation_) absl::StrAppend(&right, "  eval ", HumanNumber(evaluation_->loss()));
  const int cells = std::clamp(width - DisplayWidth(left) - DisplayWidth(right), 0, kMaxSparkline);
  return absl::StrCat(left, style.Sparkline(losses_, cells), right);
}

std::string JobView::SourcesLine() const {
  std::string line = " by source";
  for (const v1::Job::Source& source : job_.progress().sources()) {
    absl::StrAppend(&line, "  ", ShortName(source.source()), " ", HumanNumber(source.loss()));
    if (source.eval_loss() > 0) absl::StrAppend(&line, " eval ", HumanNumber(source.eval_loss()));
  }
  return line;
}

std::string JobView::CheckpointLine(absl::Time now) const {
  const std::string step = absl::StrCat(" last checkpoint step ", WithCommas(checkpoint_->step));
  if (IsOver(job_)) return step;
  return absl::StrCat(step, " (", HumanDuration(now - checkpoint_->time), " ago)");
}

std::vector<std::string> JobView::Lines(absl::Time now, absl::TimeZone zone, int width,
                                        const Style& style) const {
  std::vector<std::string> lines = {StateLine(style)};
  if (step_) {
    lines.push_back(ProgressLine(now, zone, width, style));
    lines.push_back(LossLine(width, style));
    if (job_.progress().sources_size() > 0) lines.push_back(Shorten(SourcesLine(), width));
  }
  if (checkpoint_) lines.push_back(Shorten(CheckpointLine(now), width));
  if (!warning_.empty()) {
    lines.push_back(style.Yellow(Shorten(" warning: " + SanitizeLine(warning_), width)));
  }
  return lines;
}

}  // namespace tune::client
