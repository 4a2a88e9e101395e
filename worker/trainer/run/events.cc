#include "worker/trainer/run/events.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "base/json.h"
#include "base/status.h"
#include "worker/trainer/core/print_line.h"

namespace tune::trainer {

namespace {

// "  (a 1.2345, b 0.6789)", or "" for a run with one dataset.
template <class Source>
std::string BySource(const std::vector<Source>& sources) {
  if (sources.empty()) return "";
  const auto add = [](std::string* out, const Source& source) {
    absl::StrAppendFormat(out, "%s %.4f", absl::StripPrefix(source.source, "datasets/"),
                          source.loss);
  };
  return absl::StrCat("  (", absl::StrJoin(sources, ", ", add), ")");
}

}  // namespace

absl::StatusOr<std::unique_ptr<EventLog>> EventLog::Open(const std::string& path, Clock* clock,
                                                         bool only_failures) {
  ASSIGN_OR_RETURN(auto file, OutputFile::Open(path, /*append=*/true));
  return std::unique_ptr<EventLog>(new EventLog(std::move(file), clock, only_failures));
}

absl::Status EventLog::Tell(absl::string_view line, const RunEvent& event) {
  if (only_failures_) return absl::OkStatus();
  PrintLine(line);
  return Append(event);
}

absl::Status EventLog::Append(const RunEvent& event) {
  return file_->Write(EventLine(clock_->Now(), event));
}

absl::Status EventLog::Started(const StartedEvent& e) {
  return Tell(
      absl::StrFormat("training on %s in %s: %d parameters, %d examples, steps %d to %d", e.device,
                      e.precision, e.parameters, e.examples, e.resumed_step + 1, e.total_steps),
      e);
}

absl::Status EventLog::Step(const StepEvent& e) {
  return Tell(
      absl::StrFormat("step %d/%d  epoch %.3f  loss %.4f  lr %.3g  grad norm %.3f  %.0f tokens/s%s",
                      e.step, e.total_steps, e.epoch, e.loss, e.learning_rate, e.grad_norm,
                      static_cast<double>(e.tokens) / e.seconds, BySource(e.sources)),
      e);
}

absl::Status EventLog::Evaluation(const EvaluationEvent& e) {
  return Tell(absl::StrFormat("step %d  evaluation loss %.4f over %d tokens%s", e.step, e.loss,
                              e.target_tokens, BySource(e.sources)),
              e);
}

absl::Status EventLog::Checkpoint(const CheckpointEvent& e) {
  return Tell(absl::StrFormat("step %d  wrote %s, %d bytes in %.1f s, %.1f s of them to sync",
                              e.step, e.path, e.size_bytes, e.seconds, e.sync_seconds),
              e);
}

absl::Status EventLog::Sample(const SampleEvent& e) {
  return Tell(absl::StrCat("sample for ", DumpJson(e.prompt), ": ", DumpJson(e.text)), e);
}

absl::Status EventLog::Info(const std::string& text) {
  return Tell(text, NoticeEvent{NoticeEvent::Severity::kInfo, text});
}

absl::Status EventLog::Warning(const std::string& text) {
  return Tell(text, NoticeEvent{NoticeEvent::Severity::kWarning, text});
}

absl::Status EventLog::Finished(const FinishedEvent& e) {
  return Tell(absl::StrCat("finished after step ", e.step, ": ", e.checkpoint), e);
}

absl::Status EventLog::Failed(const Failure& failure) {
  PrintLine(absl::StrCat("failed: ", failure.reason, ": ", failure.message));
  return Append(FailedEvent{failure.reason, failure.message, failure.retryable});
}

}  // namespace tune::trainer
