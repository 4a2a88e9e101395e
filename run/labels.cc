#include "run/labels.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/json_fields.h"
#include "base/status.h"

namespace tune {
namespace {

constexpr size_t kMaxLabels = 64;
constexpr size_t kMaxBytes = 63;
constexpr char kForm[] = "must be at most 63 of A-Z, a-z, 0-9, '.', '_', '/' and '-'";

bool IsLabelText(absl::string_view text) {
  const auto is_of_form = [](unsigned char c) {
    return absl::ascii_isalnum(c) || c == '.' || c == '_' || c == '/' || c == '-';
  };
  return text.size() <= kMaxBytes && std::all_of(text.begin(), text.end(), is_of_form);
}

}  // namespace

void CheckLabels(const Labels& labels, const std::string& path, FieldErrors* errors) {
  if (labels.size() > kMaxLabels) {
    errors->Add(path, absl::StrCat("must be at most ", kMaxLabels, ", got ", labels.size()));
  }
  for (const auto& [key, value] : labels) {
    if (key.empty() || !IsLabelText(key)) {
      errors->Add(path, absl::StrCat("the key \"", key.substr(0, kMaxBytes), "\" ", kForm,
                                     ", and not empty"));
    } else if (!IsLabelText(value)) {
      errors->Add(absl::StrCat(path, ".", key), kForm);
    }
  }
}

absl::StatusOr<Labels> ParseLabels(const std::vector<std::string>& texts) {
  Labels labels;
  FieldErrors errors;
  for (const std::string& text : texts) {
    const std::pair<std::string, std::string> label = absl::StrSplit(text, absl::MaxSplits('=', 1));
    if (text.find('=') == std::string::npos) errors.Add(text, "must be KEY=VALUE");
    if (!labels.insert(label).second) errors.Add(label.first, "is given twice");
  }
  if (errors.list().empty()) CheckLabels(labels, "labels", &errors);
  RETURN_IF_ERROR(errors.ToStatus("label"));
  return labels;
}

std::string LabelsText(const Labels& labels) {
  return absl::StrJoin(labels, ", ", absl::PairFormatter("="));
}

Json LabelsToJson(const Labels& labels) {
  Json json = Json::object();
  for (const auto& [key, value] : labels) json[key] = value;
  return json;
}

Labels LabelsFromJson(const Json& json, const std::string& path, FieldErrors* errors) {
  Labels labels;
  if (!CheckObject(json, {path, errors})) return labels;
  const size_t before = errors->list().size();
  for (const auto& [key, value] : json.items()) {
    ReadText(value, kMaxBytes, {absl::StrCat(path, ".", key), errors}, &labels[key]);
  }
  if (errors->list().size() == before) CheckLabels(labels, path, errors);
  return labels;
}

Labels LabelsLacking(const Labels& wanted, const Labels& given) {
  Labels lacking;
  for (const auto& [key, value] : wanted) {
    const auto found = given.find(key);
    if (found == given.end() || found->second != value) lacking.emplace(key, value);
  }
  return lacking;
}

}  // namespace tune
