#include "client/job_file.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/field_errors.h"
#include "base/files.h"
#include "base/status.h"
#include "client/resource_names.h"
#include "client/yaml_reader.h"
#include "client/yaml_scalar.h"

namespace tune::client {
namespace {

constexpr size_t kMaxIndex = 1000;

struct PathPart {
  std::string name;  // of a field, or
  size_t index = 0;  // of an element, where the name is empty
};

absl::Status BadPath(const std::string& path) {
  return absl::InvalidArgumentError(
      absl::StrCat("\"", path,
                   "\" is no field path; write learning_rate, eval.every or "
                   "datasets[0].weight"));
}

absl::StatusOr<std::vector<PathPart>> SplitPath(const std::string& path) {
  std::vector<PathPart> parts;
  for (absl::string_view segment : absl::StrSplit(path, '.')) {
    const std::vector<absl::string_view> pieces = absl::StrSplit(segment, '[');
    if (pieces[0].empty()) return BadPath(path);
    parts.push_back({std::string(pieces[0]), 0});
    for (size_t i = 1; i < pieces.size(); ++i) {
      PathPart part;
      absl::string_view digits = pieces[i];
      if (!absl::ConsumeSuffix(&digits, "]") || !absl::SimpleAtoi(digits, &part.index) ||
          part.index > kMaxIndex) {
        return BadPath(path);
      }
      parts.push_back(part);
    }
  }
  return parts;
}

// The value at a path, made where it is missing. Null where the path crosses a value
// of another kind.
Json* ValueAt(Json& root, const std::vector<PathPart>& parts) {
  Json* value = &root;
  for (const PathPart& part : parts) {
    const bool is_field = !part.name.empty();
    if (value->is_null()) *value = is_field ? Json::object() : Json::array();
    if (is_field ? !value->is_object() : !value->is_array()) return nullptr;
    if (!is_field && part.index > value->size()) return nullptr;
    value = is_field ? &(*value)[part.name] : &(*value)[part.index];
  }
  return value;
}

// A spec with one of everything: tells which fields hold strings.
const Json& Shape() {
  static const Json shape = [] {
    RunSpec spec;
    spec.datasets = {DatasetSource{}};
    spec.sample_prompts = {""};
    spec.eval = EvalSpec{.dataset = "datasets/e"};
    return RunSpecToJson(spec);
  }();
  return shape;
}

bool HoldsString(std::vector<PathPart> parts) {
  for (PathPart& part : parts) part.index = 0;
  Json shape = Shape();
  const Json* value = ValueAt(shape, parts);
  return value != nullptr && value->is_string();
}

std::string ScalarToText(const Json& json) {
  return json.is_string() ? json.get<std::string>() : DumpJson(json);
}

bool IsListOfTexts(const Json& json) {
  return json.is_array() && std::all_of(json.begin(), json.end(),
                                        [](const Json& element) { return element.is_string(); });
}

void QualifyName(Json& object, const char* field, std::string (*qualify)(absl::string_view)) {
  if (!object.is_object() || !object.contains(field) || !object[field].is_string()) return;
  const std::string name = object[field];
  if (!name.empty()) object[field] = qualify(name);
}

// People write "phi-2"; the wire has "models/phi-2".
void QualifyNames(Json& spec) {
  QualifyName(spec, "model", ModelName);
  if (spec.contains("eval")) QualifyName(spec["eval"], "dataset", DatasetName);
  if (!spec.contains("datasets") || !spec["datasets"].is_array()) return;
  for (Json& source : spec["datasets"]) QualifyName(source, "dataset", DatasetName);
}

}  // namespace

absl::Status JobDraft::ReadFile(const std::string& text, const std::string& source) {
  ASSIGN_OR_RETURN(YamlDocument document, ParseYaml(text, source));
  if (!document.value.is_object()) {
    return absl::InvalidArgumentError(
        absl::StrCat(source, ": ", document.value.is_null() ? "is empty" : "is not a mapping",
                     "; a job file has lines such as \"model: phi-2\""));
  }
  source_ = source;
  for (const auto& [path, place] : document.places)
    places_[path] = absl::StrCat(source, ":", place);
  spec_ = std::move(document.value);
  if (spec_.contains("name")) name_ = spec_["name"];
  if (spec_.contains("labels")) {
    if (!spec_["labels"].is_object()) {
      return absl::InvalidArgumentError(
          absl::StrCat(PlaceOf("labels"), ": labels: must be a mapping"));
    }
    for (const auto& [key, value] : spec_["labels"].items()) labels_[key] = ScalarToText(value);
  }
  after_ = spec_.value("after", after_);
  after_outcome_ = spec_.value("after_outcome", after_outcome_);
  for (const char* field : {"name", "labels", "after", "after_outcome"}) spec_.erase(field);
  return ReadTemplates(std::filesystem::path(source).parent_path());
}

absl::Status JobDraft::ReadTemplates(const std::string& folder) {
  const auto templates = spec_.find("templates");
  if (templates == spec_.end() || !templates->is_object()) return absl::OkStatus();
  const Json file = templates->value("file", Json());
  if (templates->size() != 1 || !file.is_string()) {
    return absl::InvalidArgumentError(absl::StrCat(
        PlaceOf("templates"), ": templates: must be a list of texts, or {file: PATH}"));
  }
  const std::string path = std::filesystem::path(folder) / file.get<std::string>();
  ASSIGN_OR_RETURN(const std::string text, ::tune::ReadFile(path));
  ASSIGN_OR_RETURN(YamlDocument document, ParseYaml(text, path));
  if (!document.value.is_array() || document.value.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": must be a YAML list of texts, each a template with {prompt}"));
  }
  *templates = std::move(document.value);
  SetPlace("templates", path);
  for (const auto& [at, place] : document.places) {
    if (!at.empty()) places_[absl::StrCat("templates", at)] = absl::StrCat(path, ":", place);
  }
  return absl::OkStatus();
}

absl::Status JobDraft::Set(const std::string& path, const std::string& text,
                           const std::string& flag) {
  ASSIGN_OR_RETURN(const std::vector<PathPart> parts, SplitPath(path));
  Json value = text;
  if (!HoldsString(parts)) {
    ASSIGN_OR_RETURN(YamlDocument document, ParseYaml(text, flag));
    value = std::move(document.value);
  }
  Json* target = ValueAt(spec_, parts);
  if (target == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat(flag, ": there is no ", path, " to set"));
  }
  *target = std::move(value);
  SetPlace(path, flag);
  return ReadTemplates("");
}

absl::Status JobDraft::SetDatasets(const std::vector<std::string>& datasets) {
  Json list = Json::array();
  SetPlace("datasets", "--dataset");
  for (const std::string& text : datasets) {
    const std::vector<std::string> parts = absl::StrSplit(text, absl::MaxSplits('=', 1));
    Json source = {{"dataset", parts[0]}};
    if (parts.size() == 2) source["weight"] = CoreSchemaScalar(parts[1]);
    places_[absl::StrCat("datasets[", list.size(), "]")] = absl::StrCat("--dataset ", text);
    list.push_back(std::move(source));
  }
  spec_["datasets"] = std::move(list);
  return absl::OkStatus();
}

void JobDraft::SetSamplePrompts(const std::vector<std::string>& prompts) {
  spec_["sample_prompts"] = prompts;
  SetPlace("sample_prompts", "--sample-prompt");
}

absl::Status JobDraft::AddLabel(const std::string& label) {
  const std::vector<std::string> parts = absl::StrSplit(label, absl::MaxSplits('=', 1));
  if (parts.size() != 2 || parts[0].empty()) {
    return absl::InvalidArgumentError(absl::StrCat("--label ", label, ": write KEY=VALUE"));
  }
  labels_[parts[0]] = parts[1];
  return absl::OkStatus();
}

void JobDraft::SetPlace(const std::string& path, const std::string& place) {
  std::erase_if(places_, [&](const auto& entry) {
    absl::string_view below = entry.first;
    return absl::ConsumePrefix(&below, path) &&
           (below.empty() || below[0] == '.' || below[0] == '[');
  });
  places_[path] = place;
}

// The place of the field, or of the nearest value around it.
std::string JobDraft::PlaceOf(const std::string& path) const {
  std::string around = path;
  while (true) {
    const auto place = places_.find(around);
    if (place != places_.end() && !around.empty()) return place->second;
    const size_t cut = around.find_last_of(".[");
    if (cut == std::string::npos) return source_;
    around.resize(cut);
  }
}

absl::StatusOr<JobRequest> JobDraft::Finish() const {
  Json spec = spec_;
  QualifyNames(spec);
  JobRequest request;
  FieldErrors errors;
  if (!name_.is_string()) errors.Add("name", "must be text; quote it");
  if (!after_outcome_.is_string()) errors.Add("after_outcome", "must be success or any");
  if (!IsListOfTexts(after_)) errors.Add("after", "must be a list of jobs' names");
  auto read = RunSpecFromJson(spec);
  if (!read.ok() && FieldErrorsOf(read.status()).empty()) return read.status();
  for (const FieldError& e : FieldErrorsOf(read.status())) errors.Add(e.field, e.message);
  FieldErrors placed;
  for (const FieldError& e : errors.list()) {
    const std::string place = PlaceOf(e.field);
    placed.Add(place.empty() ? e.field : absl::StrCat(place, ": ", e.field), e.message);
  }
  RETURN_IF_ERROR(placed.ToStatus("the job"));
  request.name = name_.get<std::string>();
  request.labels = labels_;
  for (const Json& job : after_) request.after.push_back(JobName(job.get<std::string>()));
  request.after_outcome = after_outcome_.get<std::string>();
  request.spec = *std::move(read);
  return request;
}

}  // namespace tune::client
