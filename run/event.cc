#include "run/event.h"

#include <utility>

#include "base/json.h"
#include "base/json_number.h"

namespace tune {
namespace {

// A member of the proto's oneof, by its name.
using Member = std::pair<const char*, Json>;

Json NumberMap(const std::map<std::string, double>& values) {
  Json json = Json::object();
  for (const auto& [name, value] : values) json[name] = JsonNumber(value);
  return json;
}

Json ToJson(const SourceStep& source) {
  return {{"source", source.source},
          {"loss", JsonNumber(source.loss)},
          {"target_tokens", source.target_tokens},
          {"run_examples", source.run_examples},
          {"run_tokens", source.run_tokens},
          {"run_target_tokens", source.run_target_tokens}};
}

Json ToJson(const SourceLoss& source) {
  return {{"source", source.source},
          {"loss", JsonNumber(source.loss)},
          {"target_tokens", source.target_tokens}};
}

// Of the event `json`; a run with one source has none of its own.
template <class Source>
void PutSources(const std::vector<Source>& sources, Json* json) {
  for (const Source& source : sources) (*json)["sources"].push_back(ToJson(source));
}

Member MemberOf(const StartedEvent& e) {
  return {"started",
          {{"total_steps", e.total_steps},
           {"resumed_step", e.resumed_step},
           {"device", e.device},
           {"precision", e.precision},
           {"parameters", e.parameters},
           {"examples", e.examples},
           {"target_tokens", e.target_tokens},
           {"flops_per_token", JsonNumber(e.flops_per_token)}}};
}

Member MemberOf(const StepEvent& e) {
  Json json = {{"step", e.step},
               {"total_steps", e.total_steps},
               {"epoch", JsonNumber(e.epoch)},
               {"loss", JsonNumber(e.loss)},
               {"learning_rate", JsonNumber(e.learning_rate)},
               {"grad_norm", JsonNumber(e.grad_norm)},
               {"target_tokens", e.target_tokens},
               {"tokens", e.tokens},
               {"examples", e.examples},
               {"seconds", JsonNumber(e.seconds)},
               {"phase_seconds", NumberMap(e.phase_seconds)}};
  PutSources(e.sources, &json);
  return {"step", std::move(json)};
}

Member MemberOf(const EvaluationEvent& e) {
  Json json = {{"step", e.step}, {"loss", JsonNumber(e.loss)}, {"target_tokens", e.target_tokens}};
  PutSources(e.sources, &json);
  return {"evaluation", std::move(json)};
}

Member MemberOf(const CheckpointEvent& e) {
  return {"checkpoint",
          {{"step", e.step},
           {"epoch", JsonNumber(e.epoch)},
           {"loss", JsonNumber(e.loss)},
           {"path", e.path},
           {"final", e.final},
           {"size_bytes", e.size_bytes},
           {"seconds", JsonNumber(e.seconds)},
           {"sync_seconds", JsonNumber(e.sync_seconds)}}};
}

Member MemberOf(const SampleEvent& e) {
  return {"sample", {{"step", e.step}, {"prompt", e.prompt}, {"text", e.text}}};
}

Member MemberOf(const NoticeEvent& e) {
  const bool warning = e.severity == NoticeEvent::Severity::kWarning;
  return {"notice", {{"severity", warning ? "WARNING" : "INFO"}, {"text", e.text}}};
}

Member MemberOf(const FinishedEvent& e) {
  return {"finished", {{"step", e.step}, {"checkpoint", e.checkpoint}}};
}

Member MemberOf(const FailedEvent& e) {
  return {"failed", {{"reason", e.reason}, {"message", e.message}, {"retryable", e.retryable}}};
}

}  // namespace

std::string EventLine(absl::Time time, const RunEvent& event) {
  auto [name, json] = std::visit([](const auto& e) { return MemberOf(e); }, event);
  return DumpJson(
             Json{{"time", absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", time, absl::UTCTimeZone())},
                  {name, std::move(json)}}) +
         "\n";
}

}  // namespace tune
