// What `tunectl submit` is given: a job file (YAML) and flags, flags on top, read by the
// one reader of run specs (run/spec.h).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/json.h"
#include "run/spec.h"

namespace tune::client {

struct JobRequest {
  std::string name;  // "" lets the scheduler choose
  std::map<std::string, std::string> labels;
  std::vector<std::string> after;  // "jobs/J" that must end before it begins
  std::string after_outcome;       // "" for the scheduler's default
  RunSpec spec;
};

class JobDraft {
 public:
  // Takes a job file's text: the spec's fields by name, and beside them `name`, `labels`, `after`
  // and `after_outcome`. `source` names the file in errors. Under `templates: {file: PATH}` the
  // texts of the YAML list in PATH, which starts at the job file's folder, become the field.
  absl::Status ReadFile(const std::string& text, const std::string& source);

  // Sets a field from text, as `flag` asked for it: "learning_rate", "eval.every",
  // "datasets[0].weight". The text is taken literally for a field that holds a string,
  // else as YAML ("1e-4", "[0.9, 0.95]"). The last one wins.
  absl::Status Set(const std::string& path, const std::string& text, const std::string& flag);

  // Replaces the file's datasets by "NAME" or "NAME=WEIGHT" each.
  absl::Status SetDatasets(const std::vector<std::string>& datasets);
  void SetSamplePrompts(const std::vector<std::string>& prompts);
  void SetName(const std::string& name) { name_ = name; }
  // By name, in place of the file's.
  void SetAfter(const std::vector<std::string>& jobs) { after_ = jobs; }
  void SetAfterOutcome(const std::string& outcome) { after_outcome_ = outcome; }
  // "KEY=VALUE".
  absl::Status AddLabel(const std::string& label);

  // The whole, checked: field errors for all that is wrong, each field led by where it
  // stands: "job.yaml:3:1: learning_rat", or "--set epochs".
  absl::StatusOr<JobRequest> Finish() const;

 private:
  // Puts the texts of the file that `templates` names, from `folder` on, in its place.
  absl::Status ReadTemplates(const std::string& folder);
  std::string PlaceOf(const std::string& path) const;
  // Also forgets the places of all below it.
  void SetPlace(const std::string& path, const std::string& place);

  Json spec_ = Json::object();
  Json name_ = "";
  Json after_ = Json::array();
  Json after_outcome_ = "";
  std::map<std::string, std::string> labels_;
  std::string source_;
  std::map<std::string, std::string> places_;  // path -> "job.yaml:3:1" or a flag
};

}  // namespace tune::client
