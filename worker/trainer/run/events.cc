#include "worker/trainer/run/events.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/status.h"
#include "worker/trainer/core/progress.h"

namespace tune::trainer {
namespace {

Json NumberMap(const std::map<std::string, double>& values) {
  Json json = Json::object();
  for (const auto& [name, value] : values) json[name] = JsonNumber(value);
  return json;
}

}  // namespace

Json JsonNumber(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  return value;
}

std::optional<double> NumberOfJson(const Json& json) {
  if (json.is_number()) return json.get<double>();
  if (json == "NaN") return std::nan("");
  if (json == "Infinity") return INFINITY;
  if (json == "-Infinity") return -INFINITY;
  return std::nullopt;
}

absl::StatusOr<std::unique_ptr<EventLog>> EventLog::Open(const std::string& path, Clock* clock,
                                                         bool only_failures) {
  ASSIGN_OR_RETURN(auto file, OutputFile::Open(path, /*append=*/true));
  return std::unique_ptr<EventLog>(new EventLog(std::move(file), clock, only_failures));
}

void EventLog::Say(absl::string_view line) const {
  if (!only_failures_) Progress(line);
}

absl::Status EventLog::Write(const char* kind, Json event) {
  return only_failures_ ? absl::OkStatus() : Append(kind, std::move(event));
}

absl::Status EventLog::Append(const char* kind, Json event) {
  const std::string time =
      absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", clock_->Now(), absl::UTCTimeZone());
  return file_->Write(DumpJson(Json{{"time", time}, {kind, std::move(event)}}) + "\n");
}

absl::Status EventLog::Started(const StartedEvent& e) {
  Say(absl::StrFormat("training on %s in %s: %d parameters, %d examples, steps %d to %d", e.device,
                      e.precision, e.parameters, e.examples, e.resumed_step + 1, e.total_steps));
  return Write("started", {{"total_steps", e.total_steps},
                           {"resumed_step", e.resumed_step},
                           {"device", e.device},
                           {"precision", e.precision},
                           {"parameters", e.parameters},
                           {"examples", e.examples},
                           {"target_tokens", e.target_tokens},
                           {"flops_per_token", JsonNumber(e.flops_per_token)}});
}

absl::Status EventLog::Step(const StepEvent& e) {
  Say(absl::StrFormat("step %d/%d  epoch %.3f  loss %.4f  lr %.3g  grad norm %.3f  %.0f tokens/s",
                      e.step, e.total_steps, e.epoch, e.loss, e.learning_rate, e.grad_norm,
                      static_cast<double>(e.tokens) / e.seconds));
  return Write("step", {{"step", e.step},
                        {"total_steps", e.total_steps},
                        {"epoch", JsonNumber(e.epoch)},
                        {"loss", JsonNumber(e.loss)},
                        {"learning_rate", JsonNumber(e.learning_rate)},
                        {"grad_norm", JsonNumber(e.grad_norm)},
                        {"target_tokens", e.target_tokens},
                        {"tokens", e.tokens},
                        {"examples", e.examples},
                        {"seconds", JsonNumber(e.seconds)},
                        {"phase_seconds", NumberMap(e.phase_seconds)}});
}

absl::Status EventLog::Evaluation(int64_t step, double loss, int64_t target_tokens) {
  Say(absl::StrFormat("step %d  evaluation loss %.4f over %d tokens", step, loss, target_tokens));
  return Write("evaluation",
               {{"step", step}, {"loss", JsonNumber(loss)}, {"target_tokens", target_tokens}});
}

absl::Status EventLog::Checkpoint(const CheckpointEvent& e) {
  Say(absl::StrFormat("step %d  wrote %s, %d bytes in %.1f s", e.step, e.path, e.size_bytes,
                      e.seconds));
  return Write("checkpoint", {{"step", e.step},
                              {"epoch", JsonNumber(e.epoch)},
                              {"loss", JsonNumber(e.loss)},
                              {"path", e.path},
                              {"final", e.final},
                              {"size_bytes", e.size_bytes},
                              {"seconds", JsonNumber(e.seconds)}});
}

absl::Status EventLog::Sample(int64_t step, const std::string& prompt, const std::string& text) {
  Say(absl::StrCat("sample for ", DumpJson(prompt), ": ", DumpJson(text)));
  return Write("sample", {{"step", step}, {"prompt", prompt}, {"text", text}});
}

absl::Status EventLog::Notice(const std::string& severity, const std::string& text) {
  Say(text);
  return Write("notice", {{"severity", severity}, {"text", text}});
}

absl::Status EventLog::Finished(int64_t step, const std::string& checkpoint) {
  Say(absl::StrCat("finished after step ", step, ": ", checkpoint));
  return Write("finished", {{"step", step}, {"checkpoint", checkpoint}});
}

absl::Status EventLog::Failed(const Failure& failure) {
  Progress(absl::StrCat("failed: ", failure.reason, ": ", failure.message));
  return Append(
      "failed",
      {{"reason", failure.reason}, {"message", failure.message}, {"retryable", failure.retryable}});
}

}  // namespace tune::trainer
